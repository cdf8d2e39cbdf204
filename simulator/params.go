package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	maxUpload = 50 << 20 // what a bot may upload
	maxBody   = maxUpload + 1<<20
	maxField  = 1 << 20
	maxFields = 100
)

// value is one parameter as text. A literal came as a JSON number, boolean, object or array, not as a string.
type value struct {
	text    string
	literal bool
}

type upload struct {
	name, mime string
	data       []byte
}

// params are the parameters of one call, whichever way they came.
type params struct {
	values map[string]value
	files  map[string]*upload
}

var errTooLarge = errors.New("request entity too large")

func readParams(r *http.Request) (*params, error) {
	p := &params{values: make(map[string]value, 8)}
	if r.URL.RawQuery != "" {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, err
		}
		p.addAll(q)
	}
	if r.Method != http.MethodPost || r.Body == nil {
		return p, nil
	}
	head := r.Header.Get("Content-Type")
	kind, attrs, err := mime.ParseMediaType(head)
	if err != nil && head != "" {
		return nil, errors.New("can't parse the content type")
	}
	switch kind {
	case "application/json":
		return p, p.readJSON(r.Body)
	case "application/x-www-form-urlencoded":
		raw, err := readAll(r.Body, maxField*4)
		if err != nil {
			return nil, err
		}
		q, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, err
		}
		p.addAll(q)
	case "multipart/form-data":
		return p, p.readMultipart(r.Body, attrs["boundary"])
	}
	return p, nil
}

func (p *params) addAll(q url.Values) {
	for k, v := range q {
		if len(v) > 0 {
			p.values[k] = value{text: v[0]}
		}
	}
}

func (p *params) readJSON(r io.Reader) error {
	raw, err := readAll(r, maxField*4)
	if err != nil || len(raw) == 0 {
		return err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return errors.New("can't parse JSON object")
	}
	for k, v := range m {
		if string(v) == "null" {
			continue
		}
		var text string
		if len(v) > 0 && v[0] == '"' {
			if err := json.Unmarshal(v, &text); err != nil {
				return errors.New("can't parse JSON object")
			}
			p.values[k] = value{text: text}
			continue
		}
		p.values[k] = value{text: string(v), literal: true}
	}
	return nil
}

func readAll(r io.Reader, most int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(raw)) > most {
		err = errTooLarge
	}
	return raw, err
}

// attached tells whether a parameter refers to an uploaded part, as in "attach://name".
func (p *params) attached(name string) bool {
	want := "attach://" + name
	for _, v := range p.values {
		if strings.Contains(v.text, want) {
			return true
		}
	}
	return false
}

func (p *params) has(name string) bool { _, ok := p.values[name]; return ok }

func (p *params) str(name string) string { return p.values[name].text }

func (p *params) int64(name string) int64 {
	n, _ := strconv.ParseInt(p.values[name].text, 10, 64)
	return n
}

func (p *params) int(name string) int { return int(p.int64(name)) }

func (p *params) float(name string) float64 {
	f, _ := strconv.ParseFloat(p.values[name].text, 64)
	return f
}

func (p *params) bool(name string) bool {
	b, _ := parseBool(p.values[name].text)
	return b
}

// json decodes a parameter that is an object or an array; an absent one leaves to as it is.
func (p *params) json(name string, to any) error {
	text := p.values[name].text
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), to)
}

func parseBool(text string) (b, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	return false, false
}
