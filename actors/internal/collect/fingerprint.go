package collect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"runtime"
	"strings"
)

// site is a place in the code.
type site struct {
	component string // the part of the service
	place     string // package, function and file
}

const module = "github.com/topicdesk/topicdesk/"

// siteOf finds the place of a program counter. It has no line number, which changes with every edit above it, and no number of
// a function within a function.
func (c *Collector) siteOf(pc uintptr) site {
	if known, ok := c.sites.Load(pc); ok {
		return known.(site)
	}
	s := site{component: "other", place: "unknown"}
	if pc != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		name := closures.ReplaceAllString(strings.TrimPrefix(frame.Function, module), "")
		folder := name
		if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
			dot := strings.IndexByte(name[slash:], '.')
			folder = name[:slash+max(dot, 0)]
		} else if dot := strings.IndexByte(name, '.'); dot >= 0 {
			folder = name[:dot]
		}
		s = site{component: componentOf(folder), place: name + " (" + path.Base(strings.ReplaceAll(frame.File, `\`, "/")) + ")"}
	}
	c.sites.Store(pc, s)
	return s
}

// closures are the ends of names of functions within functions, and the arguments of generic ones.
var closures = regexp.MustCompile(`(\.func\d+|\.\d+|\.gowrap\d+|-range\d+|\[\.\.\.\])+`)

// componentOf is the part of the service that has a folder: of actors/internal/chat the chat, of storage/sqlite the storage.
func componentOf(folder string) string {
	folder, ours := strings.CutPrefix(folder, "actors/internal/")
	if ours {
		return path.Base(folder)
	}
	first, _, _ := strings.Cut(folder, "/")
	switch first {
	case "main", "cmd":
		return "service"
	case "actors", "bot", "http", "storage", "config", "simulator", "view":
		return first
	}
	return "library"
}

// stable is a message without the numbers in it, which are values.
func stable(message string) string {
	const atMost = 200
	if len(message) > atMost {
		message = strings.ToValidUTF8(message[:atMost], "")
	}
	if strings.ContainsAny(message, "0123456789") {
		return numbers.ReplaceAllString(message, "#")
	}
	return message
}

var numbers = regexp.MustCompile(`\d+`)

const (
	chainAtMost = 8 // errors in a chain that are looked at
	kindAtMost  = 120
)

func join(names, name string) string {
	switch {
	case names == "":
		return name
	case len(names)+len(name) > kindAtMost || strings.Contains(names, name):
		return names
	}
	return names + " " + name
}

// typesOf adds the types in the chain of an error to names.
func typesOf(names string, err error, left int) string {
	if err == nil || left == 0 {
		return names
	}
	switch name := fmt.Sprintf("%T", err); name {
	case "*fmt.wrapError", "*fmt.wrapErrors", "*errors.errorString", "*errors.joinError", "*fmt.wrapErrors2":
	default:
		names = join(names, strings.TrimPrefix(name, "*"))
		if coded, ok := err.(interface{ ErrorCode() int }); ok {
			names = join(names, fmt.Sprint(coded.ErrorCode()))
		}
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			names = typesOf(names, one, left-1)
		}
		return names
	}
	return typesOf(names, errors.Unwrap(err), left-1)
}

// fingerprint is the same for the same kind, in every build and on every node: 16 hex digits.
func (k *Kind) fingerprint() string {
	sum := sha256.Sum256([]byte(k.Component + "\x00" + k.Place + "\x00" + k.Message + "\x00" + k.Error))
	return hex.EncodeToString(sum[:8])
}
