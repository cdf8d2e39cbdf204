package config

import (
	"strings"
	"testing"
)

func TestWebhookNetworks(t *testing.T) {
	got, err := parseNetworks(" 10.1.0.0/16, fd12::/48,127.0.0.1 ,, ::1")
	want := []string{"10.1.0.0/16", "fd12::/48", "127.0.0.1/32", "::1/128"}
	if err != nil || len(got) != len(want) {
		t.Fatal(got, err)
	}
	for i := range want {
		if got[i].String() != want[i] {
			t.Errorf("%s, want %s", got[i], want[i])
		}
	}
	for _, none := range []string{"", " ", ","} {
		if got, err := parseNetworks(none); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", none, got, err)
		}
	}
	for setting, why := range map[string]string{
		"10.1.2.3/8": "did you mean 10.0.0.0/8", "10.0.0.0/33": "is no network", "localhost": "is no network",
		"10.0.0": "is no network", "fe80::1%eth0": "is no network", "10.0.0.0": "such as 10.0.0.0/16, or 10.0.0.0/32",
		"fd00::": "fd00::/128 for that one", "10.0.0.0/8 fd00::/8": "is no network",
		"::ffff:10.0.0.1": "is no network", "::ffff:10.0.0.0/104": "is no network",
	} {
		if _, err := parseNetworks(setting); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v", setting, err)
		}
	}
}
