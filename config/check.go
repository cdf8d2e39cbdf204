package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mistakes collects what is wrong with the settings, one line for each mistake.
type mistakes struct {
	order    []string           // the settings' names in the order of Config
	settings map[string]setting // by name
	values   map[string]string  // the values that are set, by name
	wrong    map[string]bool    // names with a mistake: rules that depend on them are not checked
	about    []string           // the setting of each of errs; "": the file, or none
	errs     []error
}

// refuse notes a mistake: the name of the setting, its value, and why it is refused or what it must be.
func (m *mistakes) refuse(name, why string, args ...any) {
	m.wrong[name] = true
	shown := name + " is not set"
	if value, ok := m.values[name]; ok {
		shown = name + "=" + m.settings[name].shown(value)
	} else if fallback := m.settings[name].fallback; fallback != "" {
		shown = name + "=" + m.settings[name].shown(fallback) + " (the default)"
	}
	m.note(name, fmt.Errorf("%s: %s", shown, fmt.Sprintf(why, args...)))
}

// note notes a mistake in the named setting, "" for what is in none.
func (m *mistakes) note(name string, err error) {
	m.about, m.errs = append(m.about, name), append(m.errs, err)
}

// among returns the mistakes that matter to who uses only the named settings; nil: all of them.
func (m *mistakes) among(names []string) error {
	var all []error
	for i, err := range m.errs {
		if names == nil || m.about[i] == "" || slices.Contains(names, m.about[i]) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// set reports whether the setting has a value without a mistake.
func (m *mistakes) set(name string) bool {
	_, ok := m.values[name]
	return ok && !m.wrong[name]
}

func (m *mistakes) isDefault(name string) bool {
	value, ok := m.values[name]
	return !ok || strings.TrimSuffix(value, "/") == m.settings[name].fallback
}

// checkTags checks the rules in the tags of Config, and refuses placeholders, which are wrong in every setting.
func (m *mistakes) checkTags() {
	for _, name := range m.order {
		s, value := m.settings[name], m.values[name]
		if value == "" || m.wrong[name] {
			continue
		}
		number, _ := strconv.Atoi(value)
		switch {
		case len(s.oneof) > 0 && !slices.Contains(s.oneof, value),
			s.max > 0 && (number < s.min || number > s.max):
			m.refuse(name, "must be %s", s.allowed())
		case isPlaceholder(value):
			m.refuse(name, "this is a placeholder; set the real value, or leave it empty")
		}
	}
}

// placeholder matches what people forget to replace: your-token-here, <password>, changeme, xxxx,
// https://desk.example.com.
var placeholder = regexp.MustCompile(`(?i)^your[-_ ]|[-_ ]here$|<[^>]*>|\$\{` +
	`|change[-_ ]?(me|this|it)\b|replace[-_ ]?(me|this|with)|^x{3,}$|^\.{3,}$|^todo$|^(secret|password)$` +
	`|//([^/]*\.)?example\.(com|org|net)\b|@([^/]*\.)?example\.(com|org|net)\b`)

// exampleTokens are the tokens in Telegram's own documentation, which have a valid shape. So has 123456:ABC-DEF…,
// which exists in many spellings.
var exampleTokens = []string{
	"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
	"4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qc",
}

func isPlaceholder(value string) bool {
	return placeholder.MatchString(value) || slices.Contains(exampleTokens, value) ||
		strings.HasPrefix(value, "123456:ABC")
}

var (
	tokenShape  = regexp.MustCompile(`^[0-9]{5,18}:[A-Za-z0-9_-]{30,}$`)
	secretShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`) // Bot API, setWebhook, secret_token
	hostShape   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`)
)

// checkRules checks values that are more than a word or a number, and rules between settings: serving says whether also those
// that hold only for a service.
func (m *mistakes) checkRules(c *Config, serving bool) {
	if m.set("TELEGRAM_BOT_TOKEN") && !tokenShape.MatchString(c.TelegramBotToken.Reveal()) {
		m.refuse("TELEGRAM_BOT_TOKEN",
			"must be a token from @BotFather: digits, a colon, and at least 30 of A-Z a-z 0-9 _ -")
	}
	if m.set("TELEGRAM_API_URL") && !webAddress(c.TelegramAPIURL) {
		m.refuse("TELEGRAM_API_URL", "must be https://host or http://host:port, without user, question mark or #")
	}
	for _, id := range c.GroupsAllowed {
		if id >= 0 && m.set("GROUPS_ALLOWED") {
			m.refuse("GROUPS_ALLOWED", "%d is not a group; must be %s", id, m.settings["GROUPS_ALLOWED"].allowed())
		}
	}
	if m.set("HTTP_ADDR") && !isListenAddress(c.HTTPAddr) {
		m.refuse("HTTP_ADDR", "must be host:port, such as 127.0.0.1:8080, or :8080 for all interfaces; the largest port is 65535")
	}
	if m.set("METRICS_ADDR") && (!isListenAddress(c.MetricsAddr) || c.MetricsAddr == c.HTTPAddr) {
		m.refuse("METRICS_ADDR", "must be host:port, such as 127.0.0.1:9090, and another one than HTTP_ADDR; the largest port is 65535")
	}
	if _, ok := parseDatabase(c.DatabaseURL); !ok {
		if m.values["DATABASE_URL"] == "" {
			m.refuse("DATA_DIR", "must have neither ? nor #")
		} else if m.set("DATABASE_URL") {
			m.refuse("DATABASE_URL", "must be sqlite://path/to/file.db or mongodb://host/name-of-the-database")
		}
	}
	for _, origin := range c.APICORSOrigins {
		if m.set("API_CORS_ORIGINS") && !isOrigin(origin) && (origin != "*" || len(c.APICORSOrigins) > 1) {
			m.refuse("API_CORS_ORIGINS", "%s is no origin; must be %s", excerpt(origin), m.settings["API_CORS_ORIGINS"].allowed())
		}
	}
	if _, _, ok := c.Alerts(); !ok && m.set("ALERTS_CHAT") {
		m.refuse("ALERTS_CHAT", "must be %s", m.settings["ALERTS_CHAT"].allowed())
	}
	m.checkFiles(c)
	m.checkWebhook(c)
	m.checkWebhooks(c)
	if serving {
		m.checkSimulator(c)
	}
	m.checkCluster(c, serving)
	m.checkTracing(c)
}

// WebhookPath is the path at which the service receives updates in webhook mode.
const WebhookPath = "/telegram/webhook"

func (m *mistakes) checkWebhook(c *Config) {
	if m.set("TELEGRAM_WEBHOOK_SECRET") && !secretShape.MatchString(c.TelegramWebhookSecret.Reveal()) {
		m.refuse("TELEGRAM_WEBHOOK_SECRET", "must be 1 to 256 of A-Z a-z 0-9 _ -")
	}
	local := m.set("TELEGRAM_API_URL") && !m.isDefault("TELEGRAM_API_URL") // a local Bot API server calls any address
	if m.set("TELEGRAM_WEBHOOK_URL") {
		u, err := url.Parse(c.TelegramWebhookURL)
		switch {
		case !webAddress(c.TelegramWebhookURL) || err != nil || u.Path == "" || u.Path == "/":
			m.refuse("TELEGRAM_WEBHOOK_URL",
				"must be the complete public address, such as https://desk.example.org/telegram/webhook")
		case !strings.HasSuffix(u.Path, WebhookPath): // not equal: a proxy may add a path in front
			m.refuse("TELEGRAM_WEBHOOK_URL", "must end in %s, where this service receives updates", WebhookPath)
		case !local && u.Scheme != "https":
			m.refuse("TELEGRAM_WEBHOOK_URL", "Telegram calls only https:// addresses")
		case !local && !slices.Contains([]string{"", "443", "80", "88", "8443"}, u.Port()):
			m.refuse("TELEGRAM_WEBHOOK_URL", "Telegram calls only the ports 443, 80, 88 and 8443")
		}
	}
	if c.TelegramMode != ModeWebhook {
		return
	}
	if m.values["TELEGRAM_WEBHOOK_URL"] == "" {
		m.refuse("TELEGRAM_WEBHOOK_URL",
			"TELEGRAM_MODE=webhook needs it, such as https://desk.example.org/telegram/webhook")
	}
	if m.values["TELEGRAM_BOT_TOKEN"] == "" {
		m.refuse("TELEGRAM_MODE", "must be polling without TELEGRAM_BOT_TOKEN (with the built-in simulator)")
	}
}

// checkSimulator refuses, when there is no token, every setting that suggests a real server.
func (m *mistakes) checkSimulator(c *Config) {
	if m.values["TELEGRAM_BOT_TOKEN"] != "" {
		return
	}
	if m.set("TELEGRAM_API_URL") && !m.isDefault("TELEGRAM_API_URL") {
		m.refuse("TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL needs a token (leave both empty for the built-in simulator)")
	}
	if db, ok := parseDatabase(c.DatabaseURL); ok && db.Kind == DatabaseMongoDB && !m.wrong["DATABASE_URL"] {
		m.refuse("DATABASE_URL", "must be sqlite://… without TELEGRAM_BOT_TOKEN (with the built-in simulator)")
	}
	if !m.wrong["HTTP_ADDR"] && !isLoopback(c.HTTPAddr) {
		m.refuse("HTTP_ADDR", "must be an address that only this machine reaches, such as 127.0.0.1:8080, "+
			"without TELEGRAM_BOT_TOKEN (with the built-in simulator)")
	}
	if _, port, ok := hostPort(c.HTTPAddr); ok && m.set("SIMULATOR_PORT") && port == c.SimulatorPort {
		m.refuse("SIMULATOR_PORT", "must be another port than HTTP_ADDR's")
	}
}

// warnings names what is valid but risky.
func warnings(c Config) []string {
	var all []string
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(c.GroupsAllowed) == 0 && !c.UsesSimulator() {
		warn("GROUPS_ALLOWED is not set: administrators can register any group and open tickets in it")
	}
	if u, err := url.Parse(c.TelegramAPIURL); err == nil && u.Scheme == "http" && !isLoopbackHost(u.Hostname()) {
		warn("TELEGRAM_API_URL begins with http://: the token travels over the network unencrypted")
	}
	if n := len(c.TelegramWebhookSecret); c.TelegramMode == ModeWebhook && n < 16 {
		warn("TELEGRAM_WEBHOOK_SECRET has only %d characters: it is easy to guess", n)
	}
	if c.TelegramMode != ModeWebhook && c.TelegramWebhookURL != "" {
		warn("TELEGRAM_WEBHOOK_URL is not used: the desk polls, unless TELEGRAM_MODE=webhook")
	}
	if c.SimulatorPort != 0 && !c.UsesSimulator() {
		warn("SIMULATOR_PORT is not used: with TELEGRAM_BOT_TOKEN there is no built-in simulator")
	}
	for _, network := range c.Networks() {
		if network.Bits() == 0 {
			warn("WEBHOOK_ALLOW_NETWORKS has %s, which is every address: webhooks reach this machine's own services, and by http; "+
				"name only your own networks", network)
		}
	}
	clusterWarnings(c, warn)
	return all
}

// isOrigin reports whether the value is what a browser sends as Origin: scheme, host and port. A host that begins with
// "*." stands for all its subdomains.
func isOrigin(value string) bool {
	scheme, host, _ := strings.Cut(strings.TrimSuffix(value, "/"), "://")
	return webAddress(scheme+"://"+strings.TrimPrefix(host, "*.")) && !strings.Contains(host, "/")
}

// webAddress reports whether the value is an http(s) address with a host, and without parts that may hold a secret or
// get lost when a path is appended.
func webAddress(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && isHost(u.Hostname()) &&
		u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && !strings.HasSuffix(value, "#")
}

func hostPort(value string) (host string, port int, ok bool) {
	host, digits, err := net.SplitHostPort(value)
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return host, int(n), err == nil
}

// isListenAddress reports whether the service can listen there. An empty host means all interfaces.
func isListenAddress(value string) bool {
	host, _, ok := hostPort(value)
	return ok && (host == "" || isHost(host))
}

func isHost(host string) bool { return net.ParseIP(host) != nil || hostShape.MatchString(host) }

// isLoopback reports whether only this machine reaches the address. An empty host means all interfaces.
func isLoopback(addr string) bool {
	host, _, ok := hostPort(addr)
	return ok && isLoopbackHost(host)
}

// isUnspecified says whether a host stands for all addresses of this machine.
func isUnspecified(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}

func isLoopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
