package config

import (
	"fmt"
	"net/netip"
	"strings"
)

func (m *mistakes) checkWebhooks(c *Config) {
	if _, err := parseNetworks(c.WebhookAllowNetworks); err != nil && m.set("WEBHOOK_ALLOW_NETWORKS") {
		m.refuse("WEBHOOK_ALLOW_NETWORKS", "%s", err)
	}
	if n := len(c.SecretsKey.Reveal()); m.set("SECRETS_KEY") && n < 32 {
		m.refuse("SECRETS_KEY", "must have at least 32 characters; openssl rand -base64 32 makes one")
	}
	if m.set("PUBLIC_URL") && !webAddress(c.PublicURL) {
		m.refuse("PUBLIC_URL", "must be https://host or http://host:port, without user, question mark or #")
	}
}

// Networks are those of WEBHOOK_ALLOW_NETWORKS.
func (c Config) Networks() []netip.Prefix {
	networks, _ := parseNetworks(c.WebhookAllowNetworks)
	return networks
}

// Address is where others reach the desk, without a slash at the end.
func (c Config) Address() string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	return "http://" + c.HTTPAddr
}

// parseNetworks reads the setting WEBHOOK_ALLOW_NETWORKS: CIDRs separated by commas, such as "10.1.0.0/16,
// fd12::/48". A single address stands for itself, unless it looks like a network's: who writes 10.0.0.0 hardly means that
// one. Bits beyond the length must be zero: who writes 10.1.2.3/8 may not mean 10.0.0.0/8.
func parseNetworks(setting string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, word := range strings.Split(setting, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		prefix, err := parseNetwork(word)
		if err != nil {
			return nil, err
		}
		networks = append(networks, prefix)
	}
	return networks, nil
}

func parseNetwork(word string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(word); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		if addr.AsSlice()[addr.BitLen()/8-1] == 0 {
			return netip.Prefix{}, fmt.Errorf("%[1]s is one address; write its network, such as %[1]s/%[2]d, or %[1]s/%[3]d for that one",
				addr, addr.BitLen()/2, addr.BitLen())
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(word)
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%s is no network; write it like 10.1.0.0/16 or fd12::/48", excerpt(word))
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has bits beyond its length; did you mean %s?", excerpt(word), prefix.Masked())
	}
	return prefix, nil
}
