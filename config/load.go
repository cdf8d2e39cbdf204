package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
)

// Load reads the settings through lookup (os.LookupEnv in the service). What is not set there it reads from the file
// dotenv, if that exists; the name may be empty. An empty value counts as not set, and blanks around a value are
// dropped. In environ, the names of the environment (os.Environ), misspelt settings are looked for.
//
// The error joins one line for each mistake (errors.Join), with the name of the setting, its value (secrets are
// masked) and what it must be. The Config is of no use then.
func Load(lookup func(name string) (value string, ok bool), dotenv string, environ ...string) (Config, error) {
	c, file, err := load(lookup, dotenv, nil)
	if err != nil {
		return Config{}, err
	}
	if c.TelegramWebhookSecret == "" && !c.UsesSimulator() {
		c.TelegramWebhookSecret = WebhookSecret(c.TelegramBotToken)
	}
	c.warnings = append(warnings(c), misspelt(file, environ)...)
	return c, nil
}

// LoadSome is Load for a command that uses only the named settings. A mistake in another one is no reason to refuse, nor is a
// rule between settings that holds only for a service. What could not be read is empty.
func LoadSome(lookup func(name string) (value string, ok bool), dotenv string, names []string) (Config, error) {
	c, _, err := load(lookup, dotenv, names)
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

// load reads all settings, and returns what the file has, too. The error has mistakes in the named settings; nil: in all.
func load(lookup func(name string) (value string, ok bool), dotenv string, names []string) (Config, map[string]string, error) {
	all := settings()
	file, fileErr := readDotenv(dotenv)

	values := map[string]string{}
	for _, s := range all {
		value, _ := lookup(s.name)
		if value = strings.TrimSpace(value); value == "" {
			value = strings.TrimSpace(file[s.name])
		}
		if value = s.tidy(value); value != "" {
			values[s.name] = value
		}
	}

	c, m := parse(all, values)
	if c.DatabaseURL == "" {
		c.DatabaseURL = Secret("sqlite://" + filepath.Join(c.DataDir, "topicdesk.db"))
	}
	if fileErr != nil {
		m.note("", fileErr)
	}
	m.checkTags()
	m.checkRules(&c, names == nil)
	return c, file, m.among(names)
}

// tidy normalizes a value: words of oneof get the case that they have there, lists lose blanks and empty items.
func (s setting) tidy(value string) string {
	if i := slices.IndexFunc(s.oneof, func(word string) bool { return strings.EqualFold(word, value) }); i >= 0 {
		return s.oneof[i]
	}
	if !s.list {
		return value
	}
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return strings.Join(items, ",")
}

// parse fills a Config from the values and the defaults. It notes the values that do not fit their field's type.
func parse(all []setting, values map[string]string) (Config, *mistakes) {
	m := &mistakes{values: values, settings: map[string]setting{}, wrong: map[string]bool{}}
	fields := map[string]setting{}
	for _, s := range all {
		m.order = append(m.order, s.name)
		m.settings[s.name] = s
		fields[s.field] = s
	}
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: values})
	var aggregate env.AggregateError
	if err != nil && !errors.As(err, &aggregate) {
		m.note("", fmt.Errorf("settings: %w", err))
	}
	for _, err := range aggregate.Errors {
		var field env.ParseError
		if errors.As(err, &field) {
			s := fields[field.Name]
			m.refuse(s.name, "must be %s", s.allowed())
		} else {
			m.note("", fmt.Errorf("settings: %w", err))
		}
	}
	return c, m
}

const dotenvForm = "must be NAME=value, NAME='value' or a # comment"

// readDotenv reads a .env file. It may be missing. The library's errors show the rest of the file with its secrets,
// so the error here has the number of the line instead.
func readDotenv(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // a byte order mark, which Notepad writes
	values, err := godotenv.UnmarshalBytes(content)
	lines := strings.SplitAfter(string(content), "\n")
	if err == nil {
		if !blankName(values) {
			return values, nil
		}
		n := 1
		for ; n < len(lines); n++ {
			if some, err := godotenv.Unmarshal(strings.Join(lines[:n], "")); err == nil && blankName(some) {
				break
			}
		}
		return nil, fmt.Errorf("settings file %s, line %d: a name has blanks in it; a line %s", path, n, dotenvForm)
	}
	// The wrong line comes after the longest valid beginning of the file.
	good := len(lines)
	for good > 0 {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:good], "")); err == nil {
			break
		}
		good--
	}
	return nil, fmt.Errorf("settings file %s, line %d: %s", path, good+1, dotenvForm)
}

// blankName says whether a name has blanks in it: the library reads NAME value:with:colons as a name and a value.
func blankName(values map[string]string) bool {
	for name := range values {
		if strings.ContainsAny(name, " \t") {
			return true
		}
	}
	return false
}
