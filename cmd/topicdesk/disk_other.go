//go:build !(linux || darwin)

package main

// freeOn does not know here.
func freeOn(string) (free uint64, known bool, err error) { return 0, false, nil }
