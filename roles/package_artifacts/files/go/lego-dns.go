// Package dns stands in for lego's list of DNS providers, some hundred and fifty SDKs that only an ACME DNS challenge needs.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName refuses every name.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("this program was built without DNS providers, so there is no %s", name)
}
