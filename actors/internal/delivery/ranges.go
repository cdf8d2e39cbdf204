package delivery

import "net/netip"

// Rule names what a refusal of the guard goes by. The names are part of the API: they stand in errors that people
// read.
type Rule string

// The rules about URLs. Those about addresses are in the table below.
const (
	RuleURL      Rule = "url"       // it can't be parsed, or is too long
	RuleScheme   Rule = "scheme"    // https only, outside of the networks of one's own
	RuleUserinfo Rule = "userinfo"  // https://user:password@host
	RuleHost     Rule = "host"      // no host, or one that is neither a name in ASCII nor an address
	RuleSpelling Rule = "spelling"  // an address that is not written the usual way
	RulePort     Rule = "port"      // a port where webhooks don't usually live
	RuleZone     Rule = "ipv6-zone" // fe80::1%eth0
	RuleHeader   Rule = "header"    // a header that may not be set
)

type addressRange struct {
	prefix netip.Prefix
	rule   Rule
	what   string // after "is": "a private address"
}

// nonPublic are the addresses that no endpoint may have, the narrower range before the wider. Source: IANA's
// registries of special-purpose addresses for IPv4 and IPv6, where "globally reachable" is false, and the deprecated
// ranges. What wraps an IPv4 address is refused whatever it wraps, a public address, too: nobody needs it, and there
// is no telling which gateway would unwrap it.
var nonPublic = []addressRange{
	ranged("0.0.0.0/32", "unspecified", "the unspecified address"),
	ranged("0.0.0.0/8", "this-network", "an address of “this network”"),
	ranged("10.0.0.0/8", "private", "a private address"),
	ranged("100.64.0.0/10", "carrier-nat", "an address behind a carrier's NAT"),
	ranged("127.0.0.0/8", "loopback", "a loopback address"),
	ranged("168.63.129.16/32", "cloud-platform", "the address at which Azure serves its own machines"),
	ranged("169.254.0.0/16", "link-local", "a link-local address"),
	ranged("172.16.0.0/12", "private", "a private address"),
	ranged("192.0.0.0/24", "protocol", "an address reserved for protocols"),
	ranged("192.0.2.0/24", "documentation", "an address for documentation"),
	ranged("192.88.99.0/24", "6to4", "an address of 6to4 relays"),
	ranged("192.168.0.0/16", "private", "a private address"),
	ranged("198.18.0.0/15", "benchmarking", "an address for benchmarks"),
	ranged("198.51.100.0/24", "documentation", "an address for documentation"),
	ranged("203.0.113.0/24", "documentation", "an address for documentation"),
	ranged("224.0.0.0/4", "multicast", "a multicast address"),
	ranged("255.255.255.255/32", "broadcast", "the broadcast address"),
	ranged("240.0.0.0/4", "reserved", "a reserved address"),

	ranged("::/128", "unspecified", "the unspecified address"),
	ranged("::1/128", "loopback", "the loopback address"),
	ranged("::/96", "ipv4-compatible", "an IPv4-compatible address"),
	ranged("::ffff:0:0/96", "ipv4-mapped", "an IPv4-mapped address"),
	ranged("::ffff:0:0:0/96", "ipv4-translated", "an IPv4-translated address"),
	ranged("64:ff9b::/96", "nat64", "an address of NAT64"),
	ranged("64:ff9b:1::/48", "nat64", "an address of NAT64"),
	ranged("100::/64", "discard", "an address whose packets are discarded"),
	ranged("2001::/32", "teredo", "an address of Teredo"),
	ranged("2001:2::/48", "benchmarking", "an address for benchmarks"),
	ranged("2001:10::/28", "orchid", "an ORCHID, which is no address"),
	ranged("2001:20::/28", "orchid", "an ORCHID, which is no address"),
	ranged("2001::/23", "protocol", "an address reserved for protocols"),
	ranged("2001:db8::/32", "documentation", "an address for documentation"),
	ranged("2002::/16", "6to4", "an address of 6to4"),
	ranged("3ffe::/16", "reserved", "an address of the former 6bone"),
	ranged("3fff::/20", "documentation", "an address for documentation"),
	ranged("5f00::/16", "segment-routing", "an identifier of segment routing"),
	ranged("fc00::/7", "unique-local", "a unique local address"),
	ranged("fe80::/10", "link-local", "a link-local address"),
	ranged("fec0::/10", "site-local", "a site-local address"),
	ranged("ff00::/8", "multicast", "a multicast address"),
}

// globalUnicast is all of IPv6 that was ever given out. What lies outside is refused, listed above or not.
var globalUnicast = netip.MustParsePrefix("2000::/3")

func ranged(prefix, rule, what string) addressRange {
	return addressRange{netip.MustParsePrefix(prefix), Rule(rule), what}
}

// judgeAddress refuses an address that is not public. Networks of one's own are not its business.
func judgeAddress(addr netip.Addr) error {
	for _, r := range nonPublic {
		// Prefix.Contains is false for every IPv4-mapped address, whose prefix is compared by hand.
		if r.prefix.Contains(addr) || addr.Is4In6() && r.rule == "ipv4-mapped" {
			return refuse(r.rule, "%s is %s; whoever runs the desk can open networks of their own with WEBHOOK_ALLOW_NETWORKS", addr, r.what)
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return refuse("reserved", "%s is a reserved address", addr)
	}
	return nil
}
