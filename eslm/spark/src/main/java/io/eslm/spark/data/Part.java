// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What one task reads: slices of files, in the order of the corpus.
 *
 * @param number of the part in the corpus
 */
record Part(int number, List<Slice> slices) implements Serializable {
    /**
     * Cuts a corpus into parts of about {@code size} bytes. What the parts are changes no result.
     *
     * @param files each as a slice of all of it, in the order of the corpus
     */
    static List<Part> cut(List<Slice> files, long size) {
        List<Part> parts = new ArrayList<>();
        List<Slice> open = new ArrayList<>();
        long filled = 0;
        for (Slice file : files) {
            for (long begin = 0; begin < file.size() || begin == 0;) {
                long room = size - filled;
                // a remainder of less than half a part goes with what is before it
                long end = file.size() - begin <= room + size / 2 ? file.size()
                        : file.cuts().from(begin + Math.max(1, room), file.size());
                if (!open.isEmpty() && end - begin > room + size / 2) {
                    close(parts, open);
                    filled = 0;
                    continue;
                }
                open.add(file.of(begin, end));
                filled += end - begin;
                begin = Math.max(end, 1);
                if (filled >= size) {
                    close(parts, open);
                    filled = 0;
                }
            }
        }
        if (!open.isEmpty()) {
            close(parts, open);
        }
        return parts;
    }

    /**
     * How many documents of its file come before each slice.
     *
     * @param documents of each slice of each part
     */
    static List<long[]> before(List<Part> parts, List<long[]> documents) {
        List<long[]> all = new ArrayList<>();
        Map<Integer, Long> ofFile = new HashMap<>();
        for (int p = 0; p < parts.size(); p++) {
            long[] before = new long[documents.get(p).length];
            for (int s = 0; s < before.length; s++) {
                int file = parts.get(p).slices.get(s).file();
                before[s] = ofFile.getOrDefault(file, 0L);
                ofFile.put(file, before[s] + documents.get(p)[s]);
            }
            all.add(before);
        }
        return all;
    }

    private static void close(List<Part> parts, List<Slice> open) {
        parts.add(new Part(parts.size(), new ArrayList<>(open)));
        open.clear();
    }
}
