package delivery

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Policy says where attempts may go. The zero value allows public addresses only, by https.
type Policy struct {
	// AllowNetworks are networks of one's own: any port there, and http, too. Everything else stays closed.
	AllowNetworks []netip.Prefix
}

// A GuardError is a refusal. It names its rule, and never the path or the query of a URL, which may be secret.
type GuardError struct {
	Rule Rule
	Why  string
}

func (e *GuardError) Error() string { return "refused by rule " + string(e.Rule) + ": " + e.Why }

func refuse(rule Rule, format string, args ...any) error {
	return &GuardError{Rule: rule, Why: fmt.Sprintf(format, args...)}
}

// allowed says whether an address lies in a network of one's own.
func (p Policy) allowed(addr netip.Addr) bool {
	for _, network := range p.AllowNetworks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// publicPorts are those at which endpoints outside one's own networks may listen.
var publicPorts = []uint16{443, 8443, 8080}

// judge decides about a connection to an address, when it is known. plain is a connection without TLS.
func (p Policy) judge(to netip.AddrPort, plain bool) error {
	addr := to.Addr().WithZone("")
	if p.allowed(addr) {
		return nil
	}
	if err := judgeAddress(addr); err != nil {
		return err
	}
	if plain {
		return refuse(RuleScheme, "%s is not in WEBHOOK_ALLOW_NETWORKS, so the URL must begin with https://", addr)
	}
	return judgePort(to.Port())
}

func judgePort(port uint16) error {
	for _, p := range publicPorts {
		if p == port {
			return nil
		}
	}
	return refuse(RulePort, "port %d is not open to webhooks; use 443, 8443 or 8080", port)
}

// longestURL is in bytes.
const longestURL = 2048

// CheckURL says whether an endpoint may have this URL, as far as that shows without DNS: an error is a *GuardError. A
// name is judged when its address is known, at each connection. Where own networks are allowed, a name may be in one
// of them, so its scheme and port are judged then, too; Client.Judge does so before an endpoint is made.
func CheckURL(p Policy, raw string) error {
	_, err := p.checkURL(raw)
	return err
}

func (p Policy) checkURL(raw string) (*url.URL, error) {
	if len(raw) > longestURL {
		return nil, refuse(RuleURL, "the URL is longer than %d bytes", longestURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, refuse(RuleURL, "the URL can't be parsed: %s", unquoted(err))
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil, refuse(RuleScheme, "the URL must begin with https://")
	}
	if u.User != nil {
		return nil, refuse(RuleUserinfo, "the URL must not contain a user or a password; send them in a header")
	}
	if u.Opaque != "" || u.Host == "" || u.Hostname() == "" {
		return nil, refuse(RuleHost, "the URL has no host")
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	addr, isAddr, err := addressOf(u.Host, u.Hostname())
	if err != nil {
		return nil, err
	}
	if isAddr {
		return u, p.judge(netip.AddrPortFrom(addr, port), u.Scheme == "http")
	}
	if len(p.AllowNetworks) > 0 {
		return u, nil
	}
	if u.Scheme == "http" {
		return nil, refuse(RuleScheme, "the URL must begin with https://")
	}
	return u, judgePort(port)
}

// unquoted is a parser's error without the URL, which may hold a secret.
func unquoted(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	var escape url.EscapeError
	switch text := err.Error(); {
	case errors.As(err, &escape):
		return "a % that begins no escape"
	case strings.ContainsRune(text, '"'):
		return text[:strings.IndexByte(text, '"')] + "…" // what follows quotes the URL
	default:
		return text
	}
}

// Origin is whom a URL leads to: its scheme, host and port. It is "" when that can't be told.
func Origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	port, err := portOf(u)
	if err != nil {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return fmt.Sprintf("%s://%s:%d", u.Scheme, host, port)
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		if u.Scheme == "http" {
			return 80, nil
		}
		return 443, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, refuse(RulePort, "%.10s is no port", text)
	}
	return uint16(port), nil
}

// addressOf reads the host of a URL: an address in its usual spelling, or a name in ASCII. Any other spelling of an
// address is refused, because resolvers disagree about what it means.
func addressOf(host, name string) (addr netip.Addr, isAddr bool, err error) {
	if strings.HasPrefix(host, "[") {
		addr, err := netip.ParseAddr(name)
		switch {
		case err != nil || !addr.Is6():
			return addr, false, refuse(RuleSpelling, "what stands in brackets is no IPv6 address")
		case addr.Zone() != "":
			return addr, false, refuse(RuleZone, "an address must not have a zone")
		}
		return addr, true, nil
	}
	if err := checkName(name); err != nil {
		return addr, false, err
	}
	if addr, err := netip.ParseAddr(name); err == nil && addr.Is4() {
		return addr, true, nil
	}
	if endsInNumber(name) {
		if addr, ok := looseIPv4(name); ok {
			return addr, false, refuse(RuleSpelling, "%.40q is another spelling of the address %s", name, addr)
		}
		return addr, false, refuse(RuleSpelling, "%.40q looks like an address, and is none", name)
	}
	return addr, false, nil
}

// checkName refuses what is no name of the DNS in ASCII. A name in other letters is to be written in Punycode,
// because mapping makes digits and dots of many characters: “①②⑦。0。0。1” is 127.0.0.1.
func checkName(name string) error {
	if len(name) > 253 {
		return refuse(RuleHost, "the host is longer than 253 characters")
	}
	if strings.HasSuffix(name, ".") {
		return refuse(RuleSpelling, "the host must not end with a dot")
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 {
			return refuse(RuleHost, "a part of the host is empty or longer than 63 characters")
		}
		for _, c := range []byte(label) {
			switch {
			case c >= 0x80:
				return refuse(RuleSpelling, "the host has characters beyond ASCII; write the name in Punycode (xn--…)")
			case c == '-', c == '_', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			default:
				return refuse(RuleHost, "the host has the character %q", c)
			}
		}
	}
	return nil
}

// endsInNumber is the rule by which browsers take a host for an IPv4 address: its last part is a number (WHATWG,
// URL).
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(strings.ToLower(last), "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

// looseIPv4 reads an address as inet_aton does: up to four numbers, each decimal, octal or hexadecimal, of which the
// last fills what is left.
func looseIPv4(name string) (netip.Addr, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		base := 10
		if lower := strings.ToLower(part); strings.HasPrefix(lower, "0x") {
			part, base = part[2:], 16
		} else if len(part) > 1 && part[0] == '0' {
			part, base = part[1:], 8
		}
		if part == "" {
			part = "0" // "0x" is 0
		}
		n, err := strconv.ParseUint(part, base, 32)
		most := uint64(0xff)
		if i == len(parts)-1 {
			most = 1<<(8*(5-len(parts))) - 1
		}
		if err != nil || n > most {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			value = value<<(8*(5-len(parts))) | n
		} else {
			value = value<<8 | n
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}
