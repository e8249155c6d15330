// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The work that a device was given and has not started, in order. What is read back starts it; between two reads of a training
 * step the kernels are the same in every step, so a sequence that comes again becomes a {@link Program}.
 */
final class Pending {
    /** More work than this starts by itself. */
    private static final int MOST = 1 << 14;
    /** A sequence becomes a program when it comes for this time. */
    private static final int TIMES = 3;
    private static final int MOST_PROGRAMS = 256;
    /** Work that is kept for reuse; a step of 48 blocks has fewer. */
    private static final int KEPT = 1 << 12;
    private static final int MOST_SEEN = 1000;

    private record Sequence(long[] kinds) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Sequence s && Arrays.equals(kinds, s.kinds);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(kinds);
        }
    }

    private final boolean programs;
    /** The first {@link #size} are waiting; the others are kept for reuse. */
    private final List<Work> work = new ArrayList<>();
    private int size;
    private final List<Program> built = new ArrayList<>();
    private final Map<Sequence, Integer> seen = new HashMap<>();

    /** @param programs false: everything is done one by one */
    Pending(boolean programs) {
        this.programs = programs;
    }

    /** Work to be filled in, a kernel by its number or {@link Work#PRODUCT}; it comes after everything before. */
    Work add(int code) {
        if (size == work.size()) {
            work.add(new Work());
        }
        Work w = work.get(size++);
        w.reset(code);
        return w;
    }

    boolean isFull() {
        return size >= MOST;
    }

    List<Work> all() {
        return work.subList(0, size);
    }

    void clear() {
        size = 0;
        if (work.size() > KEPT) {
            work.subList(KEPT, work.size()).clear();
        }
    }

    /** The program for what is waiting, built on {@code device} if it is time; null if it is to be done one by one. */
    Program program(Device device) {
        if (!programs || size == 0 || size > KEPT) {
            return null;
        }
        for (Program program : built) {
            if (program.matches(work, size)) {
                return program;
            }
        }
        if (built.size() == MOST_PROGRAMS) {
            return null;
        }
        if (seen.size() == MOST_SEEN) {
            seen.clear();
        }
        Sequence sequence = new Sequence(all().stream().mapToLong(Work::kind).toArray());
        if (seen.merge(sequence, 1, Integer::sum) < TIMES) {
            return null;
        }
        seen.remove(sequence);
        Program program = new Program(device, all());
        built.add(program);
        return program;
    }
}
