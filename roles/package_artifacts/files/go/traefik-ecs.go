// Stands in for Traefik's provider for Amazon ECS, which would bring half of Amazon's SDK to a cluster that has none of it.
package ecs

import (
	"errors"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
	"github.com/traefik/traefik/v3/pkg/safe"
)

// Provider holds the place of the real one in Traefik's static configuration.
type Provider struct {
	Region string `description:"Not built in." json:"region,omitempty" toml:"region,omitempty" yaml:"region,omitempty" export:"true"`
}

// SetDefaults sets nothing.
func (p *Provider) SetDefaults() {}

// Init refuses, so that nobody waits for what this provider would find.
func (p *Provider) Init() error {
	return errors.New("this Traefik was built without its provider for Amazon ECS")
}

// Provide finds nothing.
func (p *Provider) Provide(_ chan<- dynamic.Message, _ *safe.Pool) error {
	return nil
}
