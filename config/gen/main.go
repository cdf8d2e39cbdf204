// Command gen writes what is generated from the settings: .env.example, and the table in docs/settings.md. `make gen`
// runs it.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/topicdesk/topicdesk/config"
)

func main() {
	root := ".." // go generate runs in the folder of the package that asks for it
	if err := write(root); err != nil {
		log.Fatal(err)
	}
}

func write(root string) error {
	if err := os.WriteFile(filepath.Join(root, ".env.example"), []byte(config.Example()), 0o644); err != nil {
		return err
	}
	path := filepath.Join(root, "docs", "settings.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := config.UpdateTable(string(page))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}
