package delivery

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var discard = log.New(io.Discard, "", 0)

// nameserver answers questions for addresses as the test says, each time anew; nil is “no such name”.
func nameserver(t *testing.T, addresses func(name string, v6 bool, n int) []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var asked int
		buffer := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buffer[:n]); err != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			v6 := q.Type == dnsmessage.TypeAAAA
			if !v6 {
				asked++
			}
			m.Response, m.Additionals = true, nil
			found := addresses(strings.TrimSuffix(q.Name.String(), "."), v6, asked)
			if found == nil {
				m.RCode = dnsmessage.RCodeNameError
			}
			for _, text := range found {
				addr := netip.MustParseAddr(text)
				head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET}
				if v6 {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
				} else {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
				}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from) // who asks has perhaps gone
			}
		}
	}()
	t.Cleanup(func() {
		shut(conn)
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestANameThatResolvesIntoOurNetworkIsRefused: each range, by way of a name that looks harmless.
func TestANameThatResolvesIntoOurNetworkIsRefused(t *testing.T) {
	for _, r := range rules {
		for _, text := range r.addresses {
			if addr := netip.MustParseAddr(text); addr.Is4In6() {
				continue // below: it comes as the address that it wraps
			}
			resolver := nameserver(t, func(_ string, v6 bool, _ int) []string {
				if v6 != strings.Contains(text, ":") {
					return []string{}
				}
				return []string{text}
			})
			c := New(Options{Resolver: resolver})
			res := c.Do(context.Background(), request("https://harmless.example/"))
			c.Close()
			if res.Verdict != Retry || res.Kind != Guard || !strings.Contains(res.Error, "refused by rule "+string(r.rule)+":") {
				t.Errorf("%s: %+v", text, res)
			}
		}
	}
	for wrapped, rule := range map[string]string{"::ffff:127.0.0.1": "loopback", "::ffff:169.254.169.254": "link-local", "::ffff:10.0.0.1": "private"} {
		resolver := nameserver(t, func(_ string, v6 bool, _ int) []string {
			if v6 {
				return []string{wrapped}
			}
			return []string{}
		})
		c := New(Options{Resolver: resolver})
		res := c.Do(context.Background(), request("https://harmless.example/"))
		c.Close()
		if res.Kind != Guard || !strings.Contains(res.Error, rule) {
			t.Errorf("%s: %+v", wrapped, res)
		}
	}
}

// TestANameThatRebinds resolves to an allowed address first and to another one from then on. Each connection is judged
// by the address that it goes to.
func TestANameThatRebinds(t *testing.T) {
	var inside atomic.Int32
	forbidden, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := forbidden.Addr().(*net.TCPAddr).Port
	secret := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) })}
	go func() { _ = secret.Serve(forbidden) }() // until it is closed
	t.Cleanup(func() { shut(secret) })
	allowed, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		t.Skip("there is no 127.0.0.2 on this machine: ", err)
	}
	open := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
	})}
	go func() { _ = open.Serve(allowed) }() // until it is closed
	t.Cleanup(func() { shut(open) })

	resolver := nameserver(t, func(_ string, v6 bool, n int) []string {
		switch {
		case v6:
			return []string{}
		case n == 1:
			return []string{"127.0.0.2"}
		}
		return []string{"127.0.0.1"}
	})
	c := New(Options{Resolver: resolver, Policy: Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}})
	t.Cleanup(c.Close)
	url := fmt.Sprintf("http://rebinds.example:%d/", port)
	if res := c.Do(context.Background(), request(url)); res.Verdict != Success {
		t.Fatalf("%+v", res)
	}
	for range 3 {
		if res := c.Do(context.Background(), request(url)); res.Kind != Guard || !strings.Contains(res.Error, "loopback") {
			t.Errorf("%+v", res)
		}
	}
	if inside.Load() != 0 {
		t.Error("a request got inside")
	}
}

// TestANameWithSeveralAddressesReachesTheAllowedOneAlone.
func TestANameWithSeveralAddressesReachesTheAllowedOneAlone(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	resolver := nameserver(t, func(_ string, v6 bool, _ int) []string {
		if v6 {
			return []string{"::1"}
		}
		return []string{"127.0.0.9", "10.0.0.1", "127.0.0.1"}
	})
	c := New(Options{Resolver: resolver, Policy: Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}})
	t.Cleanup(c.Close)
	if res := c.Do(context.Background(), request("http://several.example:"+port)); res.Verdict != Success {
		t.Errorf("%+v", res)
	}
}

// TestNamesOutsideOfOwnNetworksNeedTLSAndAUsualPort: with own networks allowed, a URL with http passes, and the
// connection decides.
func TestNamesOutsideOfOwnNetworksNeedTLSAndAUsualPort(t *testing.T) {
	resolver := nameserver(t, func(_ string, v6 bool, _ int) []string {
		if v6 {
			return []string{}
		}
		return []string{"8.8.8.8"}
	})
	c := clientOf(t, Options{Resolver: resolver})
	for url, rule := range map[string]Rule{"http://public.example/": RuleScheme, "https://public.example:22/": RulePort} {
		if res := c.Do(context.Background(), request(url)); res.Kind != Guard || !strings.Contains(res.Error, string(rule)) {
			t.Errorf("%s: %+v", url, res)
		}
	}
}

func TestNamesThatDoNotResolve(t *testing.T) {
	c := clientOf(t, Options{Resolver: nameserver(t, func(string, bool, int) []string { return nil })})
	res := c.Do(context.Background(), request("https://nowhere.example/s3cret"))
	if res.Verdict != Retry || res.Kind != NoName || res.Error != "DNS knows no address of nowhere.example" {
		t.Errorf("%+v", res)
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asking sync.Map // the resolver goes on asking for seconds, when nobody waits any more
	t.Cleanup(func() {
		shut(silent)
		asking.Range(func(conn, _ any) bool { return conn.(net.Conn).Close() == nil })
	})
	c = clientOf(t, Options{Timeout: 300 * time.Millisecond, Resolver: &net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if t.Context().Err() != nil {
				return nil, t.Context().Err()
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, "udp", silent.LocalAddr().String())
			asking.Store(conn, true)
			return conn, err
		}}})
	res = c.Do(context.Background(), request("https://slow.example/"))
	if res.Verdict != Retry || res.Kind != DNS || res.Error != "DNS did not answer within 300ms" {
		t.Errorf("%+v", res)
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	var used atomic.Bool
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { used.Store(true) })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	c := clientOf(t, Options{Resolver: nameserver(t, func(string, bool, int) []string { return nil })})
	for _, url := range []string{"http://somewhere.example/", "https://somewhere.example/"} {
		if res := c.Do(context.Background(), request(url)); res.Kind != NoName {
			t.Errorf("%+v", res)
		}
	}
	if c.via.plain.Proxy != nil || c.via.tls.Proxy != nil { // Go reads the environment only once in a process
		t.Error("a proxy would be used")
	}
	if used.Load() {
		t.Error("the proxy was used")
	}
}

func TestWhatTheGuardRefusesIsNotAttempted(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was attempted") })
	c := New(Options{})
	t.Cleanup(c.Close)
	for _, r := range []Request{request(server.URL), request(strings.Replace(server.URL, "http:", "https:", 1)), request("https://x@y/")} {
		if res := c.Do(context.Background(), r); res.Kind != Guard || res.Verdict != Retry {
			t.Errorf("%+v", res)
		}
	}
	c = clientOf(t, Options{})
	for what, change := range map[string]func(*Request){
		"Host":         func(r *Request) { r.Header = map[string]string{"Host": "other"} },
		"same header":  func(r *Request) { r.Header = map[string]string{"X-A": "1", "x-a": "2"} },
		"Content-Type": func(r *Request) { r.ContentType = "text/plain\r\nX: y" },
		"id of an":     func(r *Request) { r.ID = "evt.1" },
		"no id":        func(r *Request) { r.ID = "" },
		`\n" is no id`: func(r *Request) { r.ID = "evt\n" },
	} {
		r := request(server.URL)
		change(&r)
		if res := c.Do(context.Background(), r); res.Kind != Guard || !strings.Contains(res.Error, what) {
			t.Errorf("%s: %+v", what, res)
		}
	}
}

// TestJudge: where own networks are allowed, a name is asked for before an endpoint is made, if http or its port is right
// in them only.
func TestJudge(t *testing.T) {
	known := map[string][]string{"public.example": {"93.184.216.34"}, "own.example": {"10.1.2.3"}, "both.example": {"93.184.216.34", "10.1.2.3"},
		"inside.example": {"192.168.1.1"}}
	resolver := nameserver(t, func(name string, v6 bool, _ int) []string {
		if v6 {
			return []string{}
		}
		return known[strings.TrimSuffix(name, ".")]
	})
	own := Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct {
		policy  Policy
		url     string
		refused string // by which rule
	}{
		{own, "http://public.example/", "scheme"},
		{own, "https://public.example:9000/", "port"},
		{own, "http://inside.example/", "private"},
		{own, "https://public.example/", ""},
		{own, "http://own.example:9000/", ""},
		{own, "http://both.example/", ""},
		{own, "http://10.1.2.3/", ""},
		{own, "http://93.184.216.34/", "scheme"},
		{own, "http://nowhere.example/", ""}, // it may be there tomorrow; each connection is judged
		{Policy{}, "http://own.example/", "scheme"},
		{Policy{}, "https://own.example/", ""},
	} {
		client := New(Options{Policy: c.policy, Resolver: resolver})
		err := client.Judge(t.Context(), c.url)
		client.Close()
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), "refused by rule "+c.refused+":")) {
			t.Errorf("%s: %v, want rule %q", c.url, err, c.refused)
		}
	}
}
