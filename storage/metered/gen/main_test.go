package main

import (
	"os"
	"testing"
)

func TestMethodsAreCurrent(t *testing.T) {
	want, err := Methods("../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../methods.go")
	if err != nil || string(got) != string(want) {
		t.Errorf("methods.go is not what gen makes of the contract: go generate ./storage/metered (%v)", err)
	}
}
