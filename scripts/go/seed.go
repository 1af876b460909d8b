// SPDX-License-Identifier: MIT

// seed is the workload of `lockbench seed` as a Go program: 100 readers and 10 writers share a map of five keys under
// one sync.Mutex, each sleeping a millisecond between operations, for a second or for as many as the argument says.
//
// The random numbers are each goroutine's own: those of the package's functions come out of a generator behind a mutex
// of its own, which would be measured too.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	nReaders = 100
	nWriters = 10
	nKeys    = 5
	pause    = time.Millisecond
)

type table struct {
	mutex             sync.Mutex
	state             map[int]int
	readOps, writeOps uint64 // atomic
}

func (t *table) read(random *rand.Rand) {
	for total := 0; ; {
		key := random.Intn(nKeys)
		t.mutex.Lock()
		total += t.state[key]
		t.mutex.Unlock()
		atomic.AddUint64(&t.readOps, 1)
		time.Sleep(pause)
	}
}

func (t *table) write(random *rand.Rand) {
	for {
		key, value := random.Intn(nKeys), random.Intn(100)
		t.mutex.Lock()
		t.state[key] = value
		t.mutex.Unlock()
		atomic.AddUint64(&t.writeOps, 1)
		time.Sleep(pause)
	}
}

func duration() time.Duration {
	if len(os.Args) < 2 {
		return time.Second
	}
	seconds, err := strconv.ParseFloat(os.Args[1], 64)
	if err != nil || len(os.Args) > 2 || !(seconds >= 0.001 && seconds <= 3600) {
		fmt.Fprintf(os.Stderr, "seed: '%v' is not a number of seconds from 0.001 to 3600\n", os.Args[1])
		os.Exit(2)
	}
	return time.Duration(seconds * float64(time.Second))
}

func main() {
	length := duration()
	shared := table{state: make(map[int]int)}
	start := time.Now().UnixNano()
	for i := int64(0); i < nReaders; i++ {
		go shared.read(rand.New(rand.NewSource(start + i)))
	}
	for i := int64(0); i < nWriters; i++ {
		go shared.write(rand.New(rand.NewSource(start + nReaders + i)))
	}
	time.Sleep(length)
	fmt.Println("readOps:", atomic.LoadUint64(&shared.readOps))
	fmt.Println("writeOps:", atomic.LoadUint64(&shared.writeOps))
	shared.mutex.Lock()
	fmt.Println("state:", shared.state)
	shared.mutex.Unlock()
}
