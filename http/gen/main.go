// Command gen writes the document of the API, as it is served at /openapi.yaml, to the file that it is given.
package main

import (
	"fmt"
	"os"

	httpedge "github.com/topicdesk/topicdesk/http"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	_, text, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
