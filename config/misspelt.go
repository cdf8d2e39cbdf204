package config

import (
	"fmt"
	"slices"
	"strings"
)

// Names that are no settings. A misspelt setting would be ignored, and nobody would notice that its default applies.

// misspelt warns of each name in the .env file that is no setting, since the file is read for settings alone, and of those
// in the environment that are close to one; most of the environment is for other programs.
func misspelt(file map[string]string, environ []string) []string {
	var all []string
	for name := range file {
		if isSetting(name) {
			continue
		}
		text := name + " in the settings file is not a setting of this service and has no effect"
		if near := nearest(name, max(nearEnough, len(name)/3)); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		all = append(all, text)
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if near := nearest(name, nearEnough); near != "" && !isSetting(name) {
			all = append(all, fmt.Sprintf("%s in the environment is not a setting of this service and has no effect; did you mean %s?",
				name, near))
		}
	}
	slices.Sort(all)
	return all
}

// nearEnough is how many letters may be other ones, missing or too many in a name that is meant to be a setting.
const nearEnough = 2

func isSetting(name string) bool {
	return slices.ContainsFunc(settings(), func(s setting) bool { return s.name == name })
}

// nearest is the setting whose name is closest to another name, at most so many letters away; "": none is.
func nearest(name string, atMost int) (found string) {
	away := atMost + 1
	for _, s := range settings() {
		d := distance(strings.ToUpper(name), s.name)
		switch {
		case bare(name) == bare(s.name):
			d = 0
		case lacksWords(name, s.name):
			d = min(d, nearEnough+1)
		}
		if d < away {
			found, away = s.name, d
		}
	}
	return found
}

// bare is a name without what people write in other ways: case, underscores and hyphens.
func bare(name string) string {
	return strings.ToUpper(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// lacksWords says whether a name has several words, and all of them are in a setting's.
func lacksWords(name, setting string) bool {
	words, all := strings.Split(strings.ToUpper(name), "_"), strings.Split(setting, "_")
	return len(words) > 1 && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(all, w) })
}

// distance counts the letters that must be replaced, removed or added to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			other := before
			if a[i] != b[j] {
				other++
			}
			before, row[j+1] = row[j+1], min(other, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
