package config

import (
	"strings"
	"testing"
	"time"
)

func TestFileSettings(t *testing.T) {
	load := func(values map[string]string) (Config, error) {
		return Load(func(name string) (string, bool) { value, ok := values[name]; return value, ok }, "")
	}
	c, err := load(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := c.Files()
	if f.Limits["photo"] != 10<<20 || f.Limits["other"] != 50<<20 || f.Retention != 0 || f.MaxTotal != 0 ||
		len(f.Deny) != 3 || !strings.HasPrefix(f.URL, "file:///") || !strings.HasSuffix(f.URL, "/data/files") {
		t.Errorf("the defaults are %+v", f)
	}
	c, err = load(map[string]string{"FILES_URL": "s3://bucket?region=x", "FILES_LIMITS": "video=2000 MB, other=1KB",
		"FILES_DENY": "-", "FILES_ALLOW": "image/*, application/pdf", "FILES_RETENTION": "90D",
		"FILES_MAX_TOTAL": "20gb", "CLAMAV_ADDR": "unix:/run/clamav/clamd.ctl"})
	if err != nil {
		t.Fatal(err)
	}
	f = c.Files()
	if f.Limits["video"] != 2000<<20 || f.Limits["other"] != 1024 || f.Retention != 90*24*time.Hour ||
		f.MaxTotal != 20<<30 || len(f.Deny) != 0 || len(f.Allow) != 2 || f.URL != "s3://bucket?region=x" {
		t.Errorf("got %+v", f)
	}
	for name, values := range map[string][]string{
		"FILES_URL": {"data/files", "ftp://x", "file://"},
		"FILES_LIMITS": {"10MB", "photo=", "photo=-1", "cats=1MB", "photo=0", "photo=999999999TB", "photo=1MB;other=2MB",
			"photo=10", "photo=10MB,other=50"},
		"FILES_DENY":       {"programs", "-,html", ".", "a b/c"},
		"FILES_ALLOW":      {"pdf"},
		"FILES_RETENTION":  {"90", "0d", "1y", "-1d", "forever"},
		"FILES_MAX_TOTAL":  {"lots", "1.5GB", "-1GB", "20"},
		"FILES_MAX_PIXELS": {"0", "many"},
		"FILES_DOWNLOADS":  {"0", "65"},
		"CLAMAV_ADDR":      {"clamav", "unix:clamd.ctl", "host:0"},
	} {
		for _, value := range values {
			_, err := load(map[string]string{name: value})
			if err == nil || !strings.Contains(err.Error(), name+"=") || !strings.Contains(err.Error(), "must be") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%s=%s: got %v, want one line that names it and says what it must be", name, value, err)
			}
		}
	}
}
