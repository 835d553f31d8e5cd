package ctaphid

import "time"

// A lock reserves the device for one channel. It needs no timer: whether it
// still holds matters only when a request comes.
type lock struct {
	owner CID // ReservedCID for none
	until time.Time
}

// holder returns the channel that has the lock.
func (l *lock) holder() (CID, bool) {
	if l.owner != ReservedCID && !time.Now().Before(l.until) {
		*l = lock{}
	}
	return l.owner, l.owner != ReservedCID
}

// refuses reports whether another channel than cid has the lock.
func (l *lock) refuses(cid CID) bool {
	owner, held := l.holder()
	return held && owner != cid
}

// hold gives the lock to cid for d from now; 0 releases the lock. The caller
// has made sure that no other channel has it.
func (l *lock) hold(cid CID, d time.Duration) {
	if *l = (lock{}); d > 0 {
		*l = lock{owner: cid, until: time.Now().Add(d)}
	}
}
