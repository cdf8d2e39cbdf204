package delivery

import (
	"context"
	"net/netip"
	"time"
)

// judgeTimeout bounds how long whoever makes an endpoint waits for DNS.
const judgeTimeout = 2 * time.Second

// Judge says whether an endpoint may have this URL, as CheckURL does, and asks DNS where that alone decides: where own
// networks are allowed, a name may be in one of them, so http and other ports may be right. It is refused if none of its
// addresses is allowed. A name that DNS does not know now is let through: each connection is judged anyway.
func (c *Client) Judge(ctx context.Context, raw string) error {
	u, err := c.policy.checkURL(raw)
	if err != nil {
		return err
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	if _, isAddr, _ := addressOf(u.Host, u.Hostname()); isAddr || u.Scheme == "https" && judgePort(port) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, judgeTimeout)
	defer cancel()
	found, err := c.resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil
	}
	var refusal error
	for _, addr := range found {
		err := c.policy.judge(netip.AddrPortFrom(addr.Unmap(), port), u.Scheme == "http")
		if err == nil {
			return nil
		}
		refusal = err
	}
	return refusal
}
