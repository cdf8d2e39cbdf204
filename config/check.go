package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mistakes collects what is wrong with the values, one line each.
type mistakes struct {
	order    []string           // the settings' names as they stand in Config
	settings map[string]setting // by name
	values   map[string]string  // what was set, by name
	wrong    map[string]bool    // names with a mistake: rules that build on them are not checked
	errs     []error
}

// refuse notes a mistake of a setting: its name, its value and what is allowed.
func (m *mistakes) refuse(name, allowed string, args ...any) {
	m.wrong[name] = true
	shown := name + " is not set"
	if value, ok := m.values[name]; ok {
		shown = name + "=" + m.settings[name].shown(value)
	} else if fallback := m.settings[name].fallback; fallback != "" {
		shown = name + "=" + m.settings[name].shown(fallback) + " (the default)"
	}
	m.errs = append(m.errs, fmt.Errorf("%s: %s", shown, fmt.Sprintf(allowed, args...)))
}

// set says that the setting is set, to something without a mistake.
func (m *mistakes) set(name string) bool {
	_, ok := m.values[name]
	return ok && !m.wrong[name]
}

func (m *mistakes) isDefault(name string) bool {
	value, ok := m.values[name]
	return !ok || strings.TrimSuffix(value, "/") == m.settings[name].fallback
}

// checkTags checks what the tags of Config say, and placeholders, which are wrong everywhere.
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
			m.refuse(name, "allowed is %s", s.allowed())
		case isPlaceholder(value):
			m.refuse(name, "this is a placeholder; put the real value there, or leave it empty")
		}
	}
}

// placeholder is what people leave in examples: your-token-here, <password>, changeme, xxxx, https://desk.example.com.
var placeholder = regexp.MustCompile(`(?i)^your[-_ ]|[-_ ]here$|<[^>]*>|\$\{|change[-_ ]?(me|this|it)\b|replace[-_ ]?(me|this|with)|^x{3,}$|^\.{3,}$|^todo$|^(secret|password)$|//([^/]*\.)?example\.(com|org|net)\b|@([^/]*\.)?example\.(com|org|net)\b`)

// exampleTokens are the tokens in Telegram's own documentation, which have the right shape. So has 123456:ABC-DEF…, which is
// met in many spellings.
var exampleTokens = []string{
	"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
	"4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qc",
}

func isPlaceholder(value string) bool {
	return placeholder.MatchString(value) || slices.Contains(exampleTokens, value) || strings.HasPrefix(value, "123456:ABC")
}

var (
	tokenShape  = regexp.MustCompile(`^[0-9]{5,18}:[A-Za-z0-9_-]{30,}$`)
	secretShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`) // Bot API, setWebhook, secret_token
	hostShape   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`)
)

// checkRules checks what is more than a word or a number, and what settings ask of each other.
func (m *mistakes) checkRules(c *Config) {
	if m.set("TELEGRAM_BOT_TOKEN") && !tokenShape.MatchString(c.TelegramBotToken.Reveal()) {
		m.refuse("TELEGRAM_BOT_TOKEN", "allowed is a token as @BotFather gives it: digits, a colon, and at least 30 of A-Z a-z 0-9 _ -")
	}
	if m.set("TELEGRAM_API_URL") && !webAddress(c.TelegramAPIURL) {
		m.refuse("TELEGRAM_API_URL", "allowed is https://host or http://host:port, without user, question mark or #")
	}
	for _, id := range c.GroupsAllowed {
		if id >= 0 && m.set("GROUPS_ALLOWED") {
			m.refuse("GROUPS_ALLOWED", "%d is no group: allowed is %s", id, m.settings["GROUPS_ALLOWED"].allowed())
		}
	}
	if host, _, ok := hostPort(c.HTTPAddr); m.set("HTTP_ADDR") && (!ok || host != "" && !isHost(host)) {
		m.refuse("HTTP_ADDR", "allowed is host:port, such as 127.0.0.1:8080, or :8080 for all interfaces")
	}
	if _, ok := parseDatabase(c.DatabaseURL); m.set("DATABASE_URL") && !ok {
		m.refuse("DATABASE_URL", "allowed is sqlite://path/to/file.db or mongodb://host/name-of-the-database")
	}
	m.checkFiles(c)
	m.checkWebhook(c)
	m.checkSimulator(c)
}

// WebhookPath is where the service takes updates in webhook mode.
const WebhookPath = "/telegram/webhook"

func (m *mistakes) checkWebhook(c *Config) {
	if m.set("TELEGRAM_WEBHOOK_SECRET") && !secretShape.MatchString(c.TelegramWebhookSecret.Reveal()) {
		m.refuse("TELEGRAM_WEBHOOK_SECRET", "allowed is 1 to 256 of A-Z a-z 0-9 _ -")
	}
	local := m.set("TELEGRAM_API_URL") && !m.isDefault("TELEGRAM_API_URL") // a server of one's own calls any address
	if m.set("TELEGRAM_WEBHOOK_URL") {
		u, err := url.Parse(c.TelegramWebhookURL)
		switch {
		case !webAddress(c.TelegramWebhookURL) || err != nil || u.Path == "" || u.Path == "/":
			m.refuse("TELEGRAM_WEBHOOK_URL", "allowed is the whole public address, such as https://desk.example.org/telegram/webhook")
		case !strings.HasSuffix(u.Path, WebhookPath): // a proxy may put something before it
			m.refuse("TELEGRAM_WEBHOOK_URL", "the address must end in %s, which is where this service takes updates", WebhookPath)
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
		m.refuse("TELEGRAM_WEBHOOK_URL", "TELEGRAM_MODE=webhook needs it, such as https://desk.example.org/telegram/webhook")
	}
	if m.values["TELEGRAM_BOT_TOKEN"] == "" {
		m.refuse("TELEGRAM_MODE", "without TELEGRAM_BOT_TOKEN (the built-in simulator) only polling is allowed")
	}
}

// checkSimulator refuses, without a token, everything that looks like a server.
func (m *mistakes) checkSimulator(c *Config) {
	if m.values["TELEGRAM_BOT_TOKEN"] != "" {
		return
	}
	if m.set("TELEGRAM_API_URL") && !m.isDefault("TELEGRAM_API_URL") {
		m.refuse("TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL is set and needs a token (without both the built-in simulator is used)")
	}
	if db, ok := parseDatabase(c.DatabaseURL); ok && db.Kind == DatabaseMongoDB && !m.wrong["DATABASE_URL"] {
		m.refuse("DATABASE_URL", "without TELEGRAM_BOT_TOKEN (the built-in simulator) only sqlite:// is allowed")
	}
	if !m.wrong["HTTP_ADDR"] && !isLoopback(c.HTTPAddr) {
		m.refuse("HTTP_ADDR", "without TELEGRAM_BOT_TOKEN (the built-in simulator) only an address of this machine alone is allowed, such as 127.0.0.1:8080")
	}
}

// warnings are what is allowed and should be said.
func warnings(c Config, file map[string]string) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(c.GroupsAllowed) == 0 && !c.UsesSimulator() {
		say("GROUPS_ALLOWED is not set: the administrators of any group can register it and open tickets")
	}
	if u, err := url.Parse(c.TelegramAPIURL); err == nil && u.Scheme == "http" && !isLoopbackHost(u.Hostname()) {
		say("TELEGRAM_API_URL begins with http://: the token goes over the network in the clear")
	}
	if n := len(c.TelegramWebhookSecret); c.TelegramMode == ModeWebhook && n < 16 {
		say("TELEGRAM_WEBHOOK_SECRET has only %d characters: easy to guess", n)
	}
	return append(all, unknownNames(file)...)
}

// unknownNames finds names in the .env file that look like ours and are not: a slip of the pen would otherwise leave a
// default in force, unseen. Other programs' names may stand in the same file.
func unknownNames(file map[string]string) []string {
	var known, all []string
	for _, s := range settings() {
		known = append(known, s.name)
	}
	for name := range file {
		head, _, _ := strings.Cut(name, "_")
		ours := slices.Contains([]string{"TELEGRAM", "GROUPS", "HTTP", "DATABASE", "DATA", "FILES", "CLAMAV", "CLUSTER", "ETCD", "LOG"}, head)
		if ours && !slices.Contains(known, name) {
			all = append(all, name+" in the settings file is no setting of this service, and has no effect")
		}
	}
	slices.Sort(all)
	return all
}

// webAddress says whether the value is an http(s) address with a host, and without what may hide a secret or get lost when
// a path is put behind it.
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

func isHost(host string) bool { return net.ParseIP(host) != nil || hostShape.MatchString(host) }

// isLoopback says whether only this machine reaches the address. An empty host is every interface.
func isLoopback(addr string) bool {
	host, _, ok := hostPort(addr)
	return ok && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
