package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
)

// Load reads the settings through lookup (os.LookupEnv in the service), and what is not set there from the file dotenv, if
// it names one that exists. An empty value counts as not set; blanks around a value are dropped.
//
// The error joins one line for every mistake found (errors.Join), each with the name of the setting, its value (secrets
// masked) and what is allowed. The Config is of no use then.
func Load(lookup func(name string) (value string, ok bool), dotenv string) (Config, error) {
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
	if fileErr != nil {
		m.errs = append(m.errs, fileErr)
	}
	m.checkTags()
	m.checkRules(&c)
	if len(m.errs) > 0 {
		return Config{}, errors.Join(m.errs...)
	}
	if c.TelegramWebhookSecret == "" && !c.UsesSimulator() {
		c.TelegramWebhookSecret = WebhookSecret(c.TelegramBotToken)
	}
	c.warnings = warnings(c, file)
	return c, nil
}

// tidy brings a value into the form that is compared: words in lower case, lists without blanks and empty items.
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

// parse fills a Config from the values and the defaults, and notes the values that are not of their field's type.
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
		m.errs = append(m.errs, fmt.Errorf("settings: %w", err))
	}
	for _, err := range aggregate.Errors {
		var field env.ParseError
		if errors.As(err, &field) {
			s := fields[field.Name]
			m.refuse(s.name, "allowed is %s", s.allowed())
		} else {
			m.errs = append(m.errs, fmt.Errorf("settings: %w", err))
		}
	}
	return c, m
}

const dotenvAllowed = "allowed is NAME=value, NAME='value' or a # comment"

// readDotenv reads a .env file. No file is no mistake. The library's own errors show the rest of the file, secrets and all,
// so the line's number is told instead.
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
	values, err := godotenv.UnmarshalBytes(content)
	if err == nil {
		for name := range values {
			if strings.ContainsAny(name, " \t") { // NAME value:with:colons is read as such
				return nil, fmt.Errorf("settings file %s: a name has blanks in it; %s", path, dotenvAllowed)
			}
		}
		return values, nil
	}
	// The statement that is wrong begins after the longest beginning of the file that is right.
	lines := strings.SplitAfter(string(content), "\n")
	good := len(lines)
	for good > 0 {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:good], "")); err == nil {
			break
		}
		good--
	}
	return nil, fmt.Errorf("settings file %s, line %d: %s", path, good+1, dotenvAllowed)
}
