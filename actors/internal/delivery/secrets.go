package delivery

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// How long the value of a header must be to be masked in answers, and one of its words, in bytes. What is shorter is no
// secret, and may be part of any text. At the end of a text, shortestPart of a secret that was cut off is masked, too.
const shortestSecret, shortestWord, shortestPart = 6, 8, 4

// secrets are what an endpoint's own headers say, in each form in which an answer may repeat it: receivers that are under
// test often answer with all that they got.
type secrets struct {
	forms []string // the longest first: the whole goes before its parts
	masks *strings.Replacer
}

func secretsOf(own map[string]string) secrets {
	var s secrets
	for _, value := range own {
		s.add(value, shortestSecret)
		words := append(strings.Fields(value), strings.FieldsFunc(value, parts)...) // of "Bearer x" also x
		for _, word := range words {
			s.add(word, shortestWord)
		}
		if scheme, pair, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Basic") {
			text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(pair))
			if err != nil {
				continue // it is no pair
			}
			_, password, _ := strings.Cut(string(text), ":")
			s.add(string(text), shortestSecret)
			s.add(password, shortestSecret)
		}
	}
	slices.SortFunc(s.forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(s.forms))
	for _, form := range s.forms {
		pairs = append(pairs, form, masked)
	}
	s.masks = strings.NewReplacer(pairs...)
	return s
}

// parts says where a value consists of further words.
func parts(r rune) bool { return strings.ContainsRune(" \t,;=\"", r) }

// add adds a text, unless it is too short to be a secret.
func (s *secrets) add(text string, shortest int) {
	if len(text) < shortest {
		return
	}
	plain := jsonText(text, false)
	for _, form := range []string{text, plain, jsonText(text, true), strings.ReplaceAll(plain, "/", `\/`), // as PHP writes it
		url.QueryEscape(text), url.PathEscape(text)} {
		if !slices.Contains(s.forms, form) {
			s.forms = append(s.forms, form)
		}
	}
}

// longest is how many bytes a secret has at most.
func (s secrets) longest() int {
	if len(s.forms) == 0 {
		return 0
	}
	return len(s.forms[0])
}

// hide masks what a text has of the secrets.
func (s secrets) hide(text string) string {
	if len(s.forms) == 0 {
		return text
	}
	return s.masks.Replace(text)
}

// hideCut is hide for a text that may end in the midst of a secret.
func (s secrets) hideCut(text string) string {
	text = s.hide(text)
	for n := min(s.longest(), len(text)); n >= shortestPart; n-- {
		tail := text[len(text)-n:]
		if slices.ContainsFunc(s.forms, func(form string) bool { return strings.HasPrefix(form, tail) }) {
			return text[:len(text)-n] + masked
		}
	}
	return text
}

// mask hides in an answer what it repeats of an endpoint's own headers.
func (res *Result) mask(hidden secrets) {
	if len(hidden.forms) == 0 {
		return
	}
	res.Response, res.Error = hidden.hide(res.Response), hidden.hide(res.Error)
	if len(res.ResponseHeaders) > 0 {
		res.ResponseHeaders = res.ResponseHeaders.Clone()
	}
	for _, values := range res.ResponseHeaders {
		for i := range values {
			values[i] = hidden.hide(values[i])
		}
	}
}

// jsonText is a text as it is written in JSON, without the quotes; some programs escape <, > and & there.
func jsonText(text string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if err := e.Encode(text); err != nil {
		return text
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}
