// Command gen writes, into the folder that its argument names, what is generated from the operations: openapi.yaml, as
// the service serves it, the tables in api.md, and events.md. It also adds to view/testdata/schemas.txt what events
// promise from now on. `make gen` runs it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/view"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	_, text, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "openapi.yaml"), text, 0o644); err != nil {
		return err
	}
	guide := filepath.Join(folder, "api.md")
	old, err := os.ReadFile(guide)
	if err != nil {
		return err
	}
	updated, err := httpedge.UpdateDocs(string(old))
	if err != nil {
		return err
	}
	if err := os.WriteFile(guide, []byte(updated), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "events.md"), []byte(view.Catalogue()), 0o644); err != nil {
		return err
	}
	return view.KeepPromises(filepath.Join(folder, "..", "view", "testdata", "schemas.txt"))
}
