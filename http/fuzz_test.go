package httpedge_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"

	httpedge "github.com/topicdesk/topicdesk/http"
)

// schema is the part of a schema that the fuzz run needs.
type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 any               `json:"type"`
	Enum                 []any             `json:"enum"`
	Properties           map[string]schema `json:"properties"`
	Items                *schema           `json:"items"`
	Minimum, Maximum     *float64
	MinLength, MaxLength *int
	Format               string
}

type fuzzer struct {
	*rand.Rand
	schemas map[string]schema
}

var oddTexts = []string{"", " ", "\x00", "null", "-1", "0", "9223372036854775807", "99999999999999999999", "1e400",
	"NaN", "true", "../../etc", "%", "'\"<&>",
	"ก็", "👩‍👩‍👧", "\u202e", "\ufeff", "a\nb", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", strings.Repeat("x", 5000), "td_live_x"}

// value makes a value that mostly fits the schema, is sometimes near its limits, and sometimes does not fit at all.
func (f *fuzzer) value(s schema, depth int) any {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = f.schemas[name]
	}
	if depth > 6 || f.IntN(8) == 0 {
		return f.odd()
	}
	if len(s.Enum) > 0 {
		return s.Enum[f.IntN(len(s.Enum))]
	}
	kind := s.Type
	if several, ok := kind.([]any); ok && len(several) > 0 {
		kind = several[f.IntN(len(several))]
	}
	switch kind {
	case "object":
		o := map[string]any{}
		for name, p := range s.Properties {
			if f.IntN(4) > 0 {
				o[name] = f.value(p, depth+1)
			}
		}
		if f.IntN(12) == 0 {
			o[oddTexts[f.IntN(len(oddTexts))]] = f.odd()
		}
		return o
	case "array":
		list := []any{}
		for range f.IntN(4) {
			if s.Items != nil {
				list = append(list, f.value(*s.Items, depth+1))
			}
		}
		return list
	case "integer", "number":
		if s.Minimum != nil && f.IntN(3) == 0 {
			return *s.Minimum + float64(f.IntN(3)-1)
		}
		if s.Maximum != nil && f.IntN(3) == 0 {
			return *s.Maximum + float64(f.IntN(3)-1)
		}
		return []any{0, 1, -1, 7.5, 1e30, -1e30, 4711, json.Number("9223372036854775808")}[f.IntN(8)]
	case "boolean":
		return f.IntN(2) == 0
	case "null":
		return nil
	}
	if s.Format == "date-time" && f.IntN(2) == 0 {
		return "2030-01-01T00:00:00Z"
	}
	if s.MaxLength != nil && f.IntN(3) == 0 {
		return strings.Repeat("ก", max(0, *s.MaxLength+f.IntN(3)-1))
	}
	return []string{"tickets:read", "Nok", "CRM", oddTexts[f.IntN(len(oddTexts))]}[f.IntN(4)]
}

func (f *fuzzer) odd() any {
	return []any{nil, true, 0, -1, 1.5, 1e300, []any{}, []any{nil}, map[string]any{}, map[string]any{"a": []any{1}},
		oddTexts[f.IntN(len(oddTexts))]}[f.IntN(11)]
}

// TestNothingSentIsAFault sends what the document's schemas allow, and what they don't. No answer is a 500, and every
// answer is as documented.
func TestNothingSentIsAFault(t *testing.T) {
	if testing.Short() {
		t.Skip("long: thousands of odd requests")
	}
	t.Parallel()
	asJSON, _, err := httpedge.NewAPI(httpedge.New(httpedge.Options{}), httpedge.APIOptions{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct {
				Name, In string
				Schema   schema
			}
			RequestBody *struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	rounds := 10
	if os.Getenv("TOPICDESK_LONG") != "" {
		rounds = 2000
	}
	seed := rand.Uint64()
	f := &fuzzer{Rand: rand.New(rand.NewPCG(seed, 1)), schemas: doc.Components.Schemas}
	reached := map[string]int{}
	for range rounds {
		for path, item := range doc.Paths {
			for method, op := range item {
				target, query, headers := path, url.Values{}, []string{}
				for _, p := range op.Parameters {
					if f.IntN(3) == 0 && p.In != "path" {
						continue
					}
					text := fmt.Sprint(f.value(p.Schema, 5))
					switch p.In {
					case "path":
						if f.IntN(2) == 0 {
							text = []string{fmt.Sprint(s.support), fmt.Sprint(s.ann), "aaaaaaaaaaaa",
								s.keyID(nil, "tickets:read")}[f.IntN(4)]
						}
						target = strings.ReplaceAll(target, "{"+p.Name+"}", url.PathEscape(text))
					case "query":
						query.Set(p.Name, text)
					case "header":
						if clean := strings.Map(func(r rune) rune {
							if r < 0x20 || r > 0x7e {
								return -1
							}
							return r
						}, text); len(clean) < 1000 {
							headers = append(headers, p.Name, clean)
						}
					}
				}
				var body any
				if op.RequestBody != nil {
					for media, c := range op.RequestBody.Content {
						text, err := json.Marshal(f.value(c.Schema, 0))
						s.must(err)
						body = string(text)
						headers = append(headers, "Content-Type", media)
					}
				}
				if len(query) > 0 {
					target += "?" + query.Encode()
				}
				r, err := s.try(strings.ToUpper(method), target, key, body, headers...)
				if err != nil {
					t.Fatalf("seed %d: %s %s %v: %v", seed, method, target, body, err)
				}
				if r.status >= 500 {
					t.Errorf("seed %d: %s %s %v: %d %s", seed, method, target, body, r.status, r.body)
				}
				if r.status < 300 {
					reached[op.OperationID]++
				}
			}
		}
	}
	if len(reached) < 4 {
		t.Errorf("seed %d: hardly any request got through: %v", seed, reached)
	}
}
