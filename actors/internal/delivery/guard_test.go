package delivery

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// rules has a row for each range of addresses, with its first and last address, and the rule that refuses it.
var rules = []struct {
	rule      Rule
	addresses []string
}{
	{"unspecified", []string{"0.0.0.0", "::"}},
	{"this-network", []string{"0.0.0.1", "0.255.255.255"}},
	{"private", []string{"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"}},
	{"carrier-nat", []string{"100.64.0.0", "100.127.255.255", "100.100.100.200"}},
	{"loopback", []string{"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"}},
	{"cloud-platform", []string{"168.63.129.16"}},
	{"link-local", []string{"169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "febf:ffff::1"}},
	{"protocol", []string{"192.0.0.0", "192.0.0.192", "192.0.0.255", "2001:1::1", "2001:1ff:ffff::"}},
	{"documentation", []string{"192.0.2.0", "192.0.2.255", "198.51.100.0", "198.51.100.255", "203.0.113.0",
		"203.0.113.255", "2001:db8::", "2001:db8:ffff::1", "3fff::", "3fff:fff::1"}},
	{"6to4", []string{"192.88.99.0", "192.88.99.255", "2002::", "2002:7f00:1::", "2002:808:808::1", "2002:ffff::"}},
	{"benchmarking", []string{"198.18.0.0", "198.19.255.255", "2001:2::", "2001:2:0:ffff::"}},
	{"multicast", []string{"224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "ffff::ffff"}},
	{"reserved", []string{"240.0.0.0", "255.255.255.254", "200::", "1fff::1", "4000::", "e000::1", "3ffe::1"}},
	{"broadcast", []string{"255.255.255.255"}},
	{"ipv4-compatible", []string{"::7f00:1", "::127.0.0.1", "::8.8.8.8", "::2"}},
	{"ipv4-mapped", []string{"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe"}},
	{"ipv4-translated", []string{"::ffff:0:7f00:1", "::ffff:0:8.8.8.8"}},
	{"nat64", []string{"64:ff9b::", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::", "64:ff9b:1:ffff::a00:1"}},
	{"discard", []string{"100::", "100::ffff"}},
	{"teredo", []string{"2001::", "2001:0:7f00:1::", "2001:0:ffff::1"}},
	{"orchid", []string{"2001:10::1", "2001:1f::1", "2001:20::1", "2001:2f:ffff::"}},
	{"segment-routing", []string{"5f00::1"}},
	{"unique-local", []string{"fc00::", "fd00:ec2::254", "fdff:ffff::1"}},
	{"site-local", []string{"fec0::", "feff::1"}},
}

// public are neighbours of what is refused, and addresses of well-known services.
var public = []string{"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
	"128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
	"192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	"198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8",
	"2606:4700:4700::1111", "2a00:1450::1", "2003::1", "2001:200::", "2001:4860:4860::8888", "3fff:1000::", "2000::"}

func bracketed(addr string) string {
	if strings.Contains(addr, ":") {
		return "[" + addr + "]"
	}
	return addr
}

func ruleOf(err error) Rule {
	var refusal *GuardError
	if errors.As(err, &refusal) {
		return refusal.Rule
	}
	return ""
}

func TestEveryRangeIsRefused(t *testing.T) {
	seen := map[Rule]bool{"reserved": true}
	for _, r := range rules {
		seen[r.rule] = true
		for _, addr := range r.addresses {
			if err := CheckURL(Policy{}, "https://"+bracketed(addr)+"/"); ruleOf(err) != r.rule {
				t.Errorf("URL with %s: %v, want rule %s", addr, err, r.rule)
			}
			for _, plain := range []bool{false, true} {
				if err := (Policy{}).judge(netip.AddrPortFrom(netip.MustParseAddr(addr), 443), plain); ruleOf(err) != r.rule {
					t.Errorf("connection to %s: %v, want rule %s", addr, err, r.rule)
				}
			}
		}
	}
	for _, r := range nonPublic {
		if !seen[r.rule] {
			t.Errorf("no address tests rule %s", r.rule)
		}
		// A wider range must not hide a narrower one below it.
		for _, addr := range []netip.Addr{r.prefix.Addr(), last(r.prefix)} {
			if err := judgeAddress(addr); err == nil {
				t.Errorf("%s of %s is let through", addr, r.prefix)
			}
		}
	}
	for _, addr := range public {
		if err := CheckURL(Policy{}, "https://"+bracketed(addr)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}

func TestURLs(t *testing.T) {
	own := Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/48")}}
	for _, tt := range []struct {
		url    string
		rule   Rule // without networks of one's own
		within Rule // with 10.1.0.0/16 and fd12::/48
	}{
		{"https://example.com", "", ""},
		{"https://example.com/a?b=c#d", "", ""},
		{"HTTPS://EXAMPLE.COM:443/", "", ""},
		{"https://example.com:8443/", "", ""},
		{"https://example.com:8080/", "", ""},
		{"https://example.com:/", "", ""},
		{"https://xn--bcher-kva.example/", "", ""},
		{"https://a_b.example/", "", ""},
		{"https://localhost/", "", ""}, // judged when it is resolved
		{"https://127.0.0.1.nip.io/", "", ""},
		{"https://10.1.2.3/", "private", ""},
		{"http://10.1.2.3:81/", "private", ""},
		{"http://[fd12::1]:9/", "unique-local", ""},
		{"http://10.2.0.1/", "private", "private"},
		{"https://[::ffff:10.1.2.3]/", "ipv4-mapped", "ipv4-mapped"},
		{"https://[64:ff9b::10.1.2.3]/", "nat64", "nat64"},

		{"http://example.com", RuleScheme, ""}, // it may be in a network of one's own
		{"http://8.8.8.8", RuleScheme, RuleScheme},
		{"ftp://example.com", RuleScheme, RuleScheme},
		{"file:///etc/passwd", RuleScheme, RuleScheme},
		{"gopher://127.0.0.1:70/", RuleScheme, RuleScheme},
		{"//example.com/", RuleScheme, RuleScheme},
		{"example.com", RuleScheme, RuleScheme},
		{"", RuleScheme, RuleScheme},
		{"https://user@example.com/", RuleUserinfo, RuleUserinfo},
		{"https://user:secret@example.com/", RuleUserinfo, RuleUserinfo},
		{"https://@example.com/", RuleUserinfo, RuleUserinfo},
		{"https://example.com@127.0.0.1/", RuleUserinfo, RuleUserinfo},
		{"https://example.com:80/", RulePort, ""},
		{"https://example.com:22/", RulePort, ""},
		{"https://8.8.8.8:22/", RulePort, RulePort},
		{"https://[2606:4700::1]:25/", RulePort, RulePort},
		{"https://example.com:0/", RulePort, RulePort},
		{"https://example.com:65536/", RulePort, RulePort},
		{"https://example.com:99999999999999999999/", RulePort, RulePort},
		{"https://example.com:-1/", RuleURL, RuleURL},
		{"https://", RuleHost, RuleHost},
		{"https:///path", RuleHost, RuleHost},
		{"https:example.com", RuleHost, RuleHost},
		{"https://:443/", RuleHost, RuleHost},
		{"https://a..b/", RuleHost, RuleHost},
		{"https://.example.com/", RuleHost, RuleHost},
		{"https://" + strings.Repeat("a", 64) + ".com/", RuleHost, RuleHost},
		{"https://" + strings.Repeat("a.", 130) + "com/", RuleHost, RuleHost},
		{"https://exa mple.com/", RuleURL, RuleURL},
		{"https://example.com\\@127.0.0.1/", RuleURL, RuleURL},
		{"https://example.com\n/", RuleURL, RuleURL},
		{"https://exa$mple.com/", RuleHost, RuleHost},
		{"https://127.0.0.1%2f/", RuleURL, RuleURL},
		{"https://%31%32%37.0.0.1/", RuleURL, RuleURL},
		{"https://example.com/%zz", RuleURL, RuleURL},
		{"https://example.com/" + strings.Repeat("a", 2048), RuleURL, RuleURL},
	} {
		if err := CheckURL(Policy{}, tt.url); ruleOf(err) != tt.rule {
			t.Errorf("%.60q: %v, want rule %q", tt.url, err, tt.rule)
		}
		if err := CheckURL(own, tt.url); ruleOf(err) != tt.within {
			t.Errorf("%.60q with own networks: %v, want rule %q", tt.url, err, tt.within)
		}
	}
}

func TestEverySpellingOfAnAddressIsRefused(t *testing.T) {
	for what, hosts := range map[string][]string{
		"decimal":       {"2130706433", "134744072", "0", "4294967295"},
		"octal":         {"0177.0.0.1", "017700000001", "0177.0.0.01", "127.0.0.01", "010.010.010.010"},
		"hexadecimal":   {"0x7f.0.0.1", "0x7f000001", "0x7f.0x0.0x0.0x1", "0X7F.1", "0x", "0xa9fea9fe"},
		"short":         {"127.1", "127.0.1", "10.1", "8.8.2056"},
		"mixed":         {"0x7f.1", "0177.1", "127.0x000001"},
		"trailing dot":  {"127.0.0.1.", "example.com.", "localhost.", "2130706433.", "127.0.0.1.."},
		"too much":      {"256.0.0.1", "127.0.0.0.1", "1.2.3.4.5", "4294967296", "127.0.0.256", "0x1ffffffff", "1.2.3.0x"},
		"other digits":  {"①②⑦.⓪.⓪.①", "１２７.0.0.1", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "१२७.0.0.1", "𝟏𝟐𝟕.𝟎.𝟎.𝟏", "ⅰ.com", "②①③⓪⑦⓪⑥④③③"},
		"other letters": {"ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "bücher.example", "localhost\u200b", "loc\u00adalhost", "faß.de", "\u212a8s.example"},
		"escaped":       {"%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1"},
		"brackets":      {"[127.0.0.1]", "[::ffff:7f000001]", "[v1.x]", "[example.com]", "[1::2::3]"},
	} {
		for _, host := range hosts {
			for _, p := range []Policy{{}, {AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}} {
				err := CheckURL(p, "https://"+host+"/")
				if rule := ruleOf(err); rule != RuleSpelling && rule != RuleURL && rule != RuleHost {
					t.Errorf("%s: %s: %v", what, host, err)
				}
			}
		}
	}
	for _, host := range []string{"[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:4700::1%251]"} {
		if err := CheckURL(Policy{}, "https://"+host+"/"); err == nil {
			t.Errorf("%s is let through", host)
		}
	}
	if err := CheckURL(Policy{}, "https://0x7f.1/"); !strings.Contains(err.Error(), "another spelling of the address 127.0.0.1") {
		t.Error(err)
	}
	if err := CheckURL(Policy{}, "https://example.com./"); ruleOf(err) != RuleSpelling {
		t.Error(err)
	}
	for _, host := range []string{"[0:0:0:0:0:0:0:1]", "[::0001]", "[0::1]"} {
		if err := CheckURL(Policy{}, "https://"+host+"/"); ruleOf(err) != "loopback" {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestRefusalsShowNoSecret(t *testing.T) {
	for _, raw := range []string{"https://u:s3cret@example.com/", "https://example.com:22/s3cret", "https://127.0.0.1/s3cret",
		"https://exa mple.com/s3cret", "https://example.com/s3cret%zz", "ftp://x/s3cret", "https://a\x7fs3cret/", "https://[s3cret",
		"https://x:s3cret/"} {
		err := CheckURL(Policy{}, raw)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// FuzzCheckURL: no URL that is let through has an address that is not public, in whatever way a resolver might read it.
func FuzzCheckURL(f *testing.F) {
	for _, raw := range []string{"https://example.com/", "https://127.0.0.1", "https://0x7f.1:443/", "https://[::1]", "http://10.1.0.1:80",
		"https://①②⑦.0.0.1", "https://127.0.0.1.", "https://u@h", "https://[::ffff:1.2.3.4]:8443/?q#f", "https://017700000001"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		err := CheckURL(Policy{}, raw)
		if err != nil {
			if ruleOf(err) == "" {
				t.Errorf("%q: %v names no rule", raw, err)
			}
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.User != nil {
			t.Fatalf("%q is let through", raw)
		}
		host := u.Hostname()
		if addr, ok := looseIPv4(strings.TrimSuffix(host, ".")); ok {
			if err := judgeAddress(addr); err != nil || addr.String() != host {
				t.Errorf("%q is let through: %s, %v", raw, addr, err)
			}
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			if err := judgeAddress(addr.Unmap()); err != nil || addr.Is4In6() || addr.Zone() != "" {
				t.Errorf("%q is let through: %v", raw, err)
			}
		}
	})
}

func TestHeadersThatMayBeSet(t *testing.T) {
	for name, value := range map[string]string{"Authorization": "Bearer x", "X-Api-Key": "สวัสดี", "content-type": "text/plain",
		"User-Agent": "x", "X-Empty": "", "X-Tab": "a\tb", "Web-Hook": "x"} {
		if err := CheckHeaders(map[string]string{name: value}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"Host", "host", "Content-Length", "content-length", "Connection", "Keep-Alive", "TE", "Trailer",
		"Transfer-Encoding", "transfer-ENCODING", "Upgrade", "Proxy-Authorization", "Proxy-Connection", "proxy-anything",
		"HTTP2-Settings", "Expect", "webhook-id", "Webhook-Signature", "WEBHOOK-anything", "", "a b", "a:b", "a\nb", "a\r", "ä",
		":authority", "X\x00", strings.Repeat("a", 129)} {
		if err := CheckHeaders(map[string]string{name: "x"}); ruleOf(err) != RuleHeader {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, value := range []string{"a\nb", "a\r\nX: y", "a\rb", "\x00", "a\x7f", "\u0085\n", strings.Repeat("a", longestHeader+1)} {
		err := CheckHeaders(map[string]string{"X-Key": value})
		if ruleOf(err) != RuleHeader || strings.Contains(err.Error(), value) {
			t.Errorf("%.20q: %v", value, err)
		}
	}
	if err := CheckHeaders(map[string]string{"X-Key": "1", "x-key": "2"}); ruleOf(err) != RuleHeader {
		t.Error(err)
	}
	many := map[string]string{}
	for i := range mostHeaders + 1 {
		many["X-"+strings.Repeat("a", i+1)] = ""
	}
	if err := CheckHeaders(many); ruleOf(err) != RuleHeader {
		t.Error(err)
	}
}

func TestMergeHeaders(t *testing.T) {
	got := MergeHeaders(map[string]string{"x-a": "1", "X-B": "2"}, map[string]string{"X-A": "3", "x-c": "4"})
	if len(got) != 3 || got["X-A"] != "3" || got["X-B"] != "2" || got["X-C"] != "4" || CheckHeaders(got) != nil {
		t.Error(got)
	}
}
