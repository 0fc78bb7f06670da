// Copyright (c) 2026 argolab.observability contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Stands in for the sidecar of Grafana's chart (k8s-sidecar 2.10): every key of a ConfigMap or Secret with a label becomes
// a file, and a URL is called after each change. It was written for this collection, and does what the chart uses, by the
// same variables: LABEL, LABEL_VALUE, FOLDER, FOLDER_ANNOTATION, NAMESPACE, RESOURCE, METHOD, SLEEP_TIME,
// UNIQUE_FILENAMES, REQ_URL, REQ_METHOD, REQ_PAYLOAD, REQ_USERNAME, REQ_PASSWORD, LOG_LEVEL.
//
// Its silences are kept as well, for they are what a check has to find: content is not looked at, of two equal names the
// last one wins, the folder's name is joined as it is, and a refused reload is logged and forgotten.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Elsewhere only where no cluster put it there, as in a test.
var account = setting("ACCOUNT_FOLDER", "/var/run/secrets/kubernetes.io/serviceaccount") + "/"

type object struct {
	Metadata struct {
		UID             string            `json:"uid"`
		Name            string            `json:"name"`
		Namespace       string            `json:"namespace"`
		ResourceVersion string            `json:"resourceVersion"`
		Annotations     map[string]string `json:"annotations"`
	} `json:"metadata"`
	Data       map[string]string `json:"data"`
	BinaryData map[string]string `json:"binaryData"`
}

type event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

type sidecar struct {
	label, value, folder, annotation string
	unique, debug                    bool
	api                              *http.Client
	server                           string
	mutex                            sync.Mutex
	// The files of each object by its kind and UID: what it no longer names is removed.
	files map[string]map[string]bool
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	side, err := newSidecar()
	if err != nil {
		log.Fatal(err)
	}
	kinds := map[string][]string{"configmap": {"configmaps"}, "secret": {"secrets"}, "both": {"configmaps", "secrets"}}
	resources, known := kinds[strings.ToLower(setting("RESOURCE", "configmap"))]
	if !known {
		log.Fatalf("RESOURCE is %q; expected configmap, secret or both", os.Getenv("RESOURCE"))
	}
	own, _ := os.ReadFile(account + "namespace")
	var paths []string
	for _, namespace := range strings.Split(setting("NAMESPACE", string(own)), ",") {
		for _, resource := range resources {
			if strings.TrimSpace(namespace) == "ALL" {
				paths = append(paths, "/api/v1/"+resource)
			} else {
				paths = append(paths, "/api/v1/namespaces/"+strings.TrimSpace(namespace)+"/"+resource)
			}
		}
	}
	switch method := strings.ToUpper(setting("METHOD", "WATCH")); method {
	case "LIST", "SLEEP":
		pause, err := time.ParseDuration(setting("SLEEP_TIME", "60") + "s")
		if err != nil {
			log.Fatalf("SLEEP_TIME is %q; expected a number of seconds", os.Getenv("SLEEP_TIME"))
		}
		for {
			changed := false
			for _, path := range paths {
				_, more, err := side.list(path)
				if err != nil {
					log.Print(err)
				}
				changed = changed || more
			}
			if changed {
				side.reload()
			}
			if method == "LIST" {
				return
			}
			time.Sleep(pause)
		}
	case "WATCH":
		var all sync.WaitGroup
		for _, path := range paths {
			all.Add(1)
			go side.follow(path)
		}
		all.Wait()
	default:
		log.Fatalf("METHOD is %q; expected WATCH, LIST or SLEEP", method)
	}
}

func newSidecar() (*sidecar, error) {
	side := &sidecar{
		label:      os.Getenv("LABEL"),
		value:      os.Getenv("LABEL_VALUE"),
		folder:     os.Getenv("FOLDER"),
		annotation: setting("FOLDER_ANNOTATION", "k8s-sidecar-target-directory"),
		unique:     strings.EqualFold(os.Getenv("UNIQUE_FILENAMES"), "true"),
		debug:      strings.EqualFold(os.Getenv("LOG_LEVEL"), "debug"),
		files:      map[string]map[string]bool{},
	}
	if side.label == "" || side.folder == "" {
		return nil, fmt.Errorf("LABEL and FOLDER have to be set")
	}
	pem, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, fmt.Errorf("there is no service account here: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	side.api = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	side.server = "https://" + os.Getenv("KUBERNETES_SERVICE_HOST") + ":" + setting("KUBERNETES_SERVICE_PORT", "443")
	return side, nil
}

func (s *sidecar) get(path string, query url.Values) (io.ReadCloser, error) {
	// A token is short-lived, so it is read each time.
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return nil, err
	}
	selector := s.label
	if s.value != "" {
		selector += "=" + s.value
	}
	query.Set("labelSelector", selector)
	request, err := http.NewRequest(http.MethodGet, s.server+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	answer, err := s.api.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return answer.Body, nil
}

// list writes everything that is there and removes what is no longer. Returns the version to watch from.
func (s *sidecar) list(path string) (string, bool, error) {
	body, err := s.get(path, url.Values{})
	if err != nil {
		return "", false, err
	}
	defer body.Close()
	var found struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []object `json:"items"`
	}
	if err := json.NewDecoder(body).Decode(&found); err != nil {
		return "", false, fmt.Errorf("%s: %w", path, err)
	}
	present, changed := map[string]bool{}, false
	for index := range found.Items {
		present[path+found.Items[index].Metadata.UID] = true
		changed = s.handle(path, &found.Items[index], false) || changed
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for key := range s.files {
		if strings.HasPrefix(key, path) && !present[key] {
			changed = s.replace(key, nil) || changed
		}
	}
	return found.Metadata.ResourceVersion, changed, nil
}

// follow lists and watches for ever. The API server ends a watch after a minute, and then all is listed again.
func (s *sidecar) follow(path string) {
	for {
		version, changed, err := s.list(path)
		if changed {
			s.reload()
		}
		if err == nil {
			err = s.watch(path, version)
		}
		if err != nil {
			log.Printf("%v; trying again in 5 s", err)
			time.Sleep(5 * time.Second)
		}
	}
}

func (s *sidecar) watch(path, version string) error {
	body, err := s.get(path, url.Values{"watch": {"1"}, "resourceVersion": {version}, "timeoutSeconds": {"60"}})
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var next event
		if err := decoder.Decode(&next); err != nil {
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("%s: %w", path, err)
		}
		var item object
		if next.Type == "ERROR" || json.Unmarshal(next.Object, &item) != nil {
			return nil
		}
		if next.Type != "BOOKMARK" && s.handle(path, &item, next.Type == "DELETED") {
			s.reload()
		}
	}
}

// handle makes the files of one object what they should be, and says whether any of them changed.
func (s *sidecar) handle(path string, item *object, gone bool) bool {
	kind := "configmap"
	if strings.HasSuffix(path, "/secrets") {
		kind = "secret"
	}
	if s.debug {
		log.Printf("%s %s/%s, removed: %v", kind, item.Metadata.Namespace, item.Metadata.Name, gone)
	}
	wanted := map[string][]byte{}
	if !gone {
		folder := s.folder
		if named := item.Metadata.Annotations[s.annotation]; filepath.IsAbs(named) {
			folder = named
		} else if named != "" {
			folder = filepath.Join(folder, named)
		}
		for name, content := range content(kind, item) {
			if strings.HasSuffix(name, ".url") {
				fetched, err := fetch(strings.TrimSpace(string(content)))
				if err != nil {
					log.Printf("%s of %s/%s: %v", name, item.Metadata.Namespace, item.Metadata.Name, err)
					continue
				}
				name, content = strings.TrimSuffix(name, ".url"), fetched
			}
			if s.unique {
				name = fmt.Sprintf("namespace_%s.%s_%s.%s", item.Metadata.Namespace, kind, item.Metadata.Name, name)
			}
			wanted[filepath.Join(folder, name)] = content
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.replace(path+item.Metadata.UID, wanted)
}

func content(kind string, item *object) map[string][]byte {
	found := map[string][]byte{}
	for name, text := range item.Data {
		if kind == "configmap" {
			found[name] = []byte(text)
		} else if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			found[name] = decoded
		}
	}
	for name, text := range item.BinaryData {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			found[name] = decoded
		}
	}
	return found
}

// replace needs the mutex.
func (s *sidecar) replace(key string, wanted map[string][]byte) bool {
	changed, now := false, map[string]bool{}
	for path, content := range wanted {
		now[path] = true
		if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			log.Print(err)
			continue
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			log.Print(err)
			continue
		}
		log.Printf("wrote %s", path)
		changed = true
	}
	for path := range s.files[key] {
		if !now[path] && os.Remove(path) == nil {
			log.Printf("removed %s", path)
			changed = true
		}
	}
	s.files[key] = now
	if len(now) == 0 {
		delete(s.files, key)
	}
	return changed
}

func fetch(address string) ([]byte, error) {
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Get(address)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// reload calls the address. A server that is not there yet or broken is asked again; a refusal ends it.
func (s *sidecar) reload() {
	address := os.Getenv("REQ_URL")
	if address == "" {
		return
	}
	client := &http.Client{Timeout: 10 * time.Second}
	for attempt := 1; attempt <= 10; attempt++ {
		request, err := http.NewRequest(setting("REQ_METHOD", "GET"), address, strings.NewReader(os.Getenv("REQ_PAYLOAD")))
		if err != nil {
			log.Print(err)
			return
		}
		if user := os.Getenv("REQ_USERNAME"); user != "" {
			request.SetBasicAuth(user, os.Getenv("REQ_PASSWORD"))
		}
		answer, err := client.Do(request)
		if err == nil {
			answer.Body.Close()
			log.Printf("%s %s: %s", request.Method, address, answer.Status)
			if answer.StatusCode < 500 {
				return
			}
		} else if s.debug {
			log.Print(err)
		}
		time.Sleep(time.Duration(attempt) * time.Second)
	}
	log.Printf("%s did not take the reload", address)
}
