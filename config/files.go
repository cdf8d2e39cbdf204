package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Files holds the settings for attachments.
type Files struct {
	URL         string           // file:// or s3://
	Shared      bool             // said to be one folder for all nodes
	Limits      map[string]int64 // the largest size in bytes, by kind
	Allow, Deny []string
	MaxPixels   int64
	Retention   time.Duration // 0: forever
	MaxTotal    int64         // bytes; 0: no limit
}

// Files returns the settings FILES_* in their parsed form.
func (c Config) Files() Files {
	f := Files{URL: c.FilesURL, Allow: c.FilesAllow, Deny: c.FilesDeny, MaxPixels: int64(c.FilesMaxPixels)}
	if f.URL == "" {
		dir, err := filepath.Abs(filepath.Join(c.DataDir, "files"))
		if err != nil {
			dir = filepath.Join(c.DataDir, "files")
		}
		f.URL = (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
	} else if folder, said := strings.CutSuffix(f.URL, sharedFolder); said && strings.HasPrefix(f.URL, "file://") {
		f.URL, f.Shared = folder, true
	}
	if slices.Equal(f.Deny, []string{"-"}) {
		f.Deny = nil
	}
	f.Limits, _ = parseLimits(c.FilesLimits)
	f.Retention, _ = parseAge(c.FilesRetention)
	f.MaxTotal, _ = parseBytes(c.FilesMaxTotal)
	return f
}

// sharedFolder follows the address of a folder that all nodes of a cluster share.
const sharedFolder = "?shared=true"

var (
	listEntry = regexp.MustCompile(`^(-|executables|scripts|html|\.[^\s/\\.][^\s/\\]*|[A-Za-z]+/[^\s;/]+)$`)
	fileKinds = []string{"photo", "document", "video", "animation", "audio", "voice", "video_note", "sticker",
		"live_photo", "other"}
)

func (m *mistakes) checkFiles(c *Config) {
	if address := c.FilesURL; m.set("FILES_URL") {
		scheme, rest, ok := strings.Cut(address, "://")
		if !ok || rest == "" || scheme != "file" && scheme != "s3" {
			m.refuse("FILES_URL", "must be file:///folder or s3://bucket")
		} else if folder, _ := strings.CutSuffix(address, sharedFolder); scheme == "file" && strings.Contains(folder, "?") {
			m.refuse("FILES_URL", "only %s may follow a folder", sharedFolder)
		}
	}
	if _, ok := parseLimits(c.FilesLimits); m.set("FILES_LIMITS") && !ok {
		m.refuse("FILES_LIMITS", "must be %s; kinds are %s",
			m.settings["FILES_LIMITS"].allowed(), strings.Join(fileKinds, ", "))
	}
	for name, list := range map[string][]string{"FILES_ALLOW": c.FilesAllow, "FILES_DENY": c.FilesDeny} {
		for _, entry := range list {
			if m.set(name) && (!listEntry.MatchString(entry) || entry == "-" && len(list) > 1) {
				m.refuse(name, "%s is not one of them; must be %s", excerpt(entry), m.settings[name].allowed())
			}
		}
	}
	if age, ok := parseAge(c.EventsRetention); !ok || age <= 0 {
		m.refuse("EVENTS_RETENTION", "must be a number of days or hours, such as 90d or 12h")
	}
	if age, ok := parseAge(c.ReportsRetention); !ok || age <= 0 {
		m.refuse("REPORTS_RETENTION", "must be a number of days or hours, such as 1095d")
	}
	if _, ok := parseAge(c.FilesRetention); m.set("FILES_RETENTION") && !ok {
		m.refuse("FILES_RETENTION", "must be a number of days or hours, such as 90d or 12h")
	}
	if _, ok := parseBytes(c.FilesMaxTotal); m.set("FILES_MAX_TOTAL") && !ok {
		m.refuse("FILES_MAX_TOTAL", "must be a size with its unit (B, KB, MB, GB or TB), such as 500MB or 20GB")
	}
	if m.set("CLAMAV_ADDR") {
		path, socket := strings.CutPrefix(c.ClamAVAddr, "unix:")
		host, port, ok := hostPort(c.ClamAVAddr)
		if good := ok && isHost(host) && port != 0; socket && !filepath.IsAbs(path) || !socket && !good {
			m.refuse("CLAMAV_ADDR", "must be host:port, or unix:/path/of/the/socket")
		}
	}
}

// parseLimits reads a list of kind=size.
func parseLimits(list []string) (map[string]int64, bool) {
	limits := map[string]int64{}
	for _, item := range list {
		kind, size, ok := strings.Cut(item, "=")
		n, good := parseBytes(strings.TrimSpace(size))
		if kind = strings.TrimSpace(kind); !ok || !good || n == 0 || !slices.Contains(fileKinds, kind) {
			return nil, false
		}
		limits[kind] = n
	}
	return limits, true
}

var sizeShape = regexp.MustCompile(`^([0-9]{1,9}) ?(B|KB|MB|GB|TB)$`)

// parseBytes reads a size such as 500MB, which is 500 × 1024 × 1024 bytes. An empty text is 0. The unit is required:
// who writes photo=10 or FILES_MAX_TOTAL=20 does not mean bytes.
func parseBytes(text string) (int64, bool) {
	if text == "" {
		return 0, true
	}
	parts := sizeShape.FindStringSubmatch(strings.ToUpper(text))
	if parts == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	shift := map[string]int{"B": 0, "KB": 10, "MB": 20, "GB": 30, "TB": 40}[parts[2]]
	if err != nil || n<<shift>>shift != n || n<<shift < 0 {
		return 0, false
	}
	return n << shift, true
}

var ageShape = regexp.MustCompile(`^([0-9]{1,5})(d|h)$`)

// KeepEvents is how long events are kept.
func (c Config) KeepEvents() time.Duration {
	age, _ := parseAge(c.EventsRetention)
	return age
}

// KeepReports is how long reports are kept.
func (c Config) KeepReports() time.Duration {
	age, _ := parseAge(c.ReportsRetention)
	return age
}

// parseAge reads an age such as 90d or 12h. An empty text is 0.
func parseAge(text string) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	parts := ageShape.FindStringSubmatch(strings.ToLower(text))
	if parts == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(parts[1])
	unit := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour}[parts[2]]
	return time.Duration(n) * unit, n > 0
}
