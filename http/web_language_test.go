package httpedge_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestSignInPageSpeaksTheBrowsersLanguage: before somebody has signed in, nothing else tells which language is theirs.
func TestSignInPageSpeaksTheBrowsersLanguage(t *testing.T) {
	s := newService(t, serviceOptions{})
	for language, title := range map[string]string{
		"": "Sign in", "fr": "Sign in", "th": "เข้าสู่ระบบ", "th-TH,th;q=0.9,en-US;q=0.8,en;q=0.7": "เข้าสู่ระบบ",
		"de, th;q=0.5": "เข้าสู่ระบบ", "en-GB,th;q=0.5": "Sign in",
	} {
		for _, path := range []string{"/sign-in", "/sign-in?u=1&t=x", "/tickets/1"} {
			p := (&visitor{s: s}).send(http.MethodGet, path, nil, "Accept-Language", language)
			if p.status == http.StatusSeeOther {
				p = (&visitor{s: s}).send(http.MethodGet, p.header.Get("Location"), nil, "Accept-Language", language)
			}
			if !strings.Contains(p.body, title) {
				t.Errorf("%s, Accept-Language %q: %d %.600s", path, language, p.status, p.body)
			}
		}
	}
}
