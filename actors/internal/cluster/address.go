package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// canonical is an address as all nodes write it, since addresses are compared: 127.0.0.1:07070 is 127.0.0.1:7070.
func canonical(addr string) (string, error) {
	host, port, err := splitAddr(addr)
	if err != nil {
		return "", err
	}
	return host + ":" + strconv.Itoa(port), nil
}

// splitAddr splits an address as Proto.Actor wants it, which puts host, colon and port together: the host of IPv6 keeps its
// brackets.
func splitAddr(addr string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(digits)
	}
	if err != nil {
		return "", 0, fmt.Errorf("CLUSTER_ADDR: %w", err)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return strings.ToLower(host), port, nil
}
