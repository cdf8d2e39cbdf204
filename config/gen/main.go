// Command gen writes what is generated from the settings: .env.example and the table in README.md. `make gen` runs it.
package main

import (
	"errors"
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
	path := filepath.Join(root, "README.md")
	readme, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	updated, err := config.UpdateReadme(string(readme))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}
