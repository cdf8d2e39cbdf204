//go:build linux || darwin

package main

import "syscall"

// diskOf is the disk of a folder.
func diskOf(folder string) (d disk, known bool, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return disk{}, false, err
	}
	block := uint64(s.Bsize) // it has another type on each system
	return disk{free: s.Bavail * block, size: s.Blocks * block}, true, nil
}
