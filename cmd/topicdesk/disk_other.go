//go:build !(linux || darwin)

package main

// diskOf can't tell on this system.
func diskOf(string) (d disk, known bool, err error) { return disk{}, false, nil }
