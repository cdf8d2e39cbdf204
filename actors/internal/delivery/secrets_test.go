package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What an answer repeats of an endpoint's headers is hidden wherever it is cut, and however it is written.
func TestSecretsAreHiddenInEachForm(t *testing.T) {
	var answer func(authorization string) string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { say(w, answer(r.Header.Get("Authorization"))) })
	c := clientOf(t, Options{})
	const bearer, pair = "Bearer s3cr3t-token-0123456789", "Basic bWU6bXkgcC9hc3M8d29yZD4=" // me:my p/ass<word>
	const key = `ApiKey id="me",key="p&ss/w0rd<long>"`
	asJSON := func(html bool) func(string) string {
		return func(authorization string) string {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(html)
			if err := e.Encode(authorization); err != nil {
				t.Error(err)
			}
			return b.String()
		}
	}
	for name, tt := range map[string]struct {
		authorization string
		answer        func(string) string
		shown         []string // must not be
	}{
		"JSON":             {key, asJSON(true), []string{"ss/w0rd", "long"}},
		"JSON, unescaped":  {key, asJSON(false), []string{"ss/w0rd", "long"}},
		"JSON of PHP":      {key, func(s string) string { return strings.ReplaceAll(asJSON(false)(s), "/", `\/`) }, []string{"w0rd", "long"}},
		"a part":           {key, func(string) string { return "p&ss/w0rd<long> is wrong" }, []string{"w0rd"}},
		"a query":          {bearer, url.QueryEscape, []string{"s3cr3t"}},
		"a path":           {key, url.PathEscape, []string{"w0rd"}},
		"a decoded pair":   {pair, func(string) string { return "me:my p/ass<word>" }, []string{"ass<"}},
		"a password":       {pair, func(string) string { return "wrong: my p/ass<word>" }, []string{"ass<"}},
		"a broken answer":  {bearer, func(s string) string { return s[:12] }, []string{"s3cr3"}},
		"pair, no padding": {pair, func(s string) string { return strings.TrimRight(s, "=") }, []string{"bWU6"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer = tt.answer
			req := request(server.URL)
			req.Header = map[string]string{"Authorization": tt.authorization}
			res := c.Do(context.Background(), req)
			for _, secret := range tt.shown {
				if res.Status != 200 || strings.Contains(res.Response, secret) {
					t.Errorf("%+v", res)
				}
			}
		})
	}
	t.Run("wherever it is cut", func(t *testing.T) {
		for _, before := range []string{"", bearer} { // what is masked makes the text shorter
			for cut := range len(bearer) + 1 {
				answer = func(s string) string { return before + strings.Repeat("x", longestAnswer-len(before)-cut) + s + s }
				req := request(server.URL)
				req.Header = map[string]string{"Authorization": bearer}
				res := c.Do(context.Background(), req)
				if rest := strings.Trim(res.Response, "*x"); len(rest) >= shortestPart || len(res.Response) > longestAnswer {
					t.Fatalf("%d: %q of %d bytes", cut, rest, len(res.Response))
				}
			}
		}
	})
}
