package guard

import "net/netip"

// subnet is a network that an address is in, and how many times the quota of
// one customer it has.
type subnet struct {
	name  string
	times int
}

// networks are who asks from an address, the narrowest first: an IPv4
// address; or the 64 bits of an IPv6 address before whatever a machine may
// choose, which is what one customer has, and the wider ones that a customer
// of some providers has, too. (A free tunnel gives 48 bits to anybody, that
// is 65,536 networks of 64.) What is no address is all one.
func networks(ip string) []subnet {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return []subnet{{"unknown", 1}}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return []subnet{{addr.String(), 1}}
	}
	wide := func(bits int) string { return netip.PrefixFrom(addr, bits).Masked().String() }
	return []subnet{{wide(64), 1}, {wide(56), 4}, {wide(48), 10}}
}

// widestNetwork is the widest that is counted of those that an address is in:
// who has many small ones has one of these.
func widestNetwork(ip string) string {
	all := networks(ip)
	return all[len(all)-1].name
}
