package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// setting holds the tags of one field of Config.
type setting struct {
	field       string // the field's name in Config
	name        string // the name in the environment
	fallback    string // the default; "": none
	unset       string // what applies where there is no default, in words
	description string
	oneof       []string
	min, max    int    // of a number; both 0: it is not a number
	words       string // what a value must be, in words; "": see allowed
	secret      bool
	list        bool
}

// settings lists all settings in the order of Config.
func settings() []setting {
	var all []setting
	typ := reflect.TypeFor[Config]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		s := setting{
			field:       f.Name,
			name:        f.Tag.Get("env"),
			fallback:    f.Tag.Get("envDefault"),
			unset:       f.Tag.Get("unset"),
			description: f.Tag.Get("desc"),
			words:       f.Tag.Get("allowed"),
			secret:      f.Type == reflect.TypeFor[Secret](),
			list:        f.Type.Kind() == reflect.Slice,
		}
		if words := f.Tag.Get("oneof"); words != "" {
			s.oneof = strings.Split(words, "|")
		}
		s.min, _ = strconv.Atoi(f.Tag.Get("min"))
		s.max, _ = strconv.Atoi(f.Tag.Get("max"))
		all = append(all, s)
	}
	return all
}

// allowed says in words what a value must be, as far as the tags tell.
func (s setting) allowed() string {
	switch {
	case s.words != "":
		return s.words
	case len(s.oneof) == 1:
		return s.oneof[0]
	case len(s.oneof) > 0:
		last := len(s.oneof) - 1
		return strings.Join(s.oneof[:last], ", ") + " or " + s.oneof[last]
	case s.max > 0:
		return fmt.Sprintf("a whole number from %d to %d", s.min, s.max)
	}
	return s.description
}

// shown is a value as an error may show it: shortened, on one line, without secrets.
func (s setting) shown(value string) string {
	if s.secret && s.name != "DATABASE_URL" {
		return mask
	}
	if s.secret || strings.Contains(value, "://") {
		value = maskURL(value)
	}
	return excerpt(value)
}

// excerpt is a value, or a part of one, as an error may show it.
func excerpt(value string) string {
	value = Redact(value)
	if runes := []rune(value); len(runes) > 100 {
		value = string(runes[:100]) + "…"
	}
	return strconv.Quote(value)
}

// maskURL masks the parts of an address that may hold a secret: user and password, which may contain an @ or a /, and
// everything after a question mark.
func maskURL(value string) string {
	if i := strings.LastIndexByte(value, '@'); i >= 0 {
		scheme, _, ok := strings.Cut(value[:i], "://")
		if ok {
			scheme += "://"
		} else {
			scheme = ""
		}
		value = scheme + mask + value[i:]
	}
	if i := strings.IndexByte(value, '?'); i >= 0 {
		value = value[:i+1] + mask
	}
	return value
}
