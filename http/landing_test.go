package httpedge_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	httpedge "github.com/topicdesk/topicdesk/http"
)

// TestLandingPage: whoever opens the service's address in a browser finds out where to go, in their language; each link
// leads somewhere. An address that does not exist says where to read on.
func TestLandingPage(t *testing.T) {
	s := newService(t, serviceOptions{api: httpedge.APIOptions{SimulatorURL: "http://127.0.0.1:8081"}})
	get := func(path, language string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", language)
		res, err := s.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	for language, title := range map[string]string{"": "Topicdesk is running", "fr": "Topicdesk is running",
		"th-TH,th;q=0.9,en;q=0.8": "Topicdesk กำลังทำงาน", "en-GB,th;q=0.5": "Topicdesk is running"} {
		if res, body := get("/", language); res.StatusCode != http.StatusOK || !strings.Contains(body, "<h1>"+title+"</h1>") ||
			!strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("Accept-Language %q: %d %v %s", language, res.StatusCode, res.Header, body)
		}
	}
	res, body := get("/", "en")
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(body, -1)
	if len(style) != 1 || strings.Contains(body, " style=") || strings.Contains(body, "<script") {
		t.Fatalf("what is inline: %q", style)
	}
	sum := sha256.Sum256([]byte(style[0][1]))
	if csp := res.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") ||
		!strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("%s lets anything be inline, or not the page's own style", csp)
	}
	links := regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(body, -1)
	if len(links) != 5 || links[0][1] != "/sign-in" || links[1][1] != "http://127.0.0.1:8081" || !strings.Contains(body, "/web") {
		t.Fatalf("the links are %q", links)
	}
	for _, link := range append(links[:1:1], links[2:]...) {
		if res, body := get(link[1], "en"); res.StatusCode >= http.StatusBadRequest {
			t.Errorf("%s: %d %s", link[1], res.StatusCode, body)
		}
	}
	if res, body := get("/nothing", "en"); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "/swagger") ||
		strings.Contains(body, "API key") {
		t.Errorf("an address that does not exist: %d %s", res.StatusCode, body)
	}
}
