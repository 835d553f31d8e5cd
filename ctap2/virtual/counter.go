package virtual

// nextCounter returns the value that the signature counter takes next.
func (k *Key) nextCounter() uint32 {
	switch {
	case k.config.Counter == NoCounter:
		return 0
	case k.faults.CounterRollback:
		return k.state.counter - 1
	}
	return k.state.counter + 1
}

// counterChange is what has to be stored for the counter's new value.
func (k *Key) counterChange(n uint32) []change {
	if n == k.state.counter {
		return nil
	}
	return []change{{recordCounter, n}}
}
