// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import it.unimi.dsi.fastutil.ints.IntArrayList;
import it.unimi.dsi.fastutil.longs.Long2LongOpenHashMap;
import it.unimi.dsi.fastutil.longs.LongArrayList;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import scala.Tuple2;

/**
 * Finds the documents whose text was there before. Only hashes travel: those that begin alike go to one task, which keeps of equal
 * ones the first in the corpus.
 */
final class Duplicates {
    /** Hashes that a task compares: some 100 MB. */
    private static final long HASHES = 1 << 21;

    private Duplicates() {
    }

    /** Hashes of a part, and the numbers of their documents in it. */
    private record Hashes(int part, long[] hashes, int[] numbers) implements Serializable {
    }

    /**
     * Writes, for each part that has some, the numbers of its documents that are left out.
     *
     * @param compared how many documents are compared
     */
    static void find(JavaSparkContext context, Broadcast<Recipe> recipe, List<Part> parts, long compared) {
        int tasks = Math.clamp(compared / HASHES, context.defaultParallelism(), 1 << 20);
        context.parallelize(parts, parts.size())
                .flatMapToPair(part -> Tasks.run(recipe.value().scratch(), () -> hashes(recipe.value(), part, tasks)))
                .partitionBy(new HashPartitioner(tasks)).mapPartitionsToPair(Duplicates::later)
                .groupByKey(parts.size())
                .foreach(part -> Tasks.run(recipe.value().scratch(), () -> write(recipe.value(), part._1, part._2)));
    }

    private static Iterator<Tuple2<Integer, Hashes>> hashes(Recipe recipe, Part part, int tasks) throws IOException {
        LongArrayList[] hashes = new LongArrayList[tasks];
        IntArrayList[] numbers = new IntArrayList[tasks];
        int[] number = new int[1];
        PartFiles.read(recipe.folder(), PartFiles.documents(part.number()), document -> {
            if (document.compared()) {
                int task = Math.floorMod(document.hash(), tasks);
                if (hashes[task] == null) {
                    hashes[task] = new LongArrayList();
                    numbers[task] = new IntArrayList();
                }
                hashes[task].add(document.hash());
                numbers[task].add(number[0]);
            }
            number[0]++;
        });
        List<Tuple2<Integer, Hashes>> all = new ArrayList<>();
        for (int task = 0; task < tasks; task++) {
            if (hashes[task] != null) {
                all.add(new Tuple2<>(task,
                        new Hashes(part.number(), hashes[task].toLongArray(), numbers[task].toIntArray())));
            }
        }
        return all.iterator();
    }

    /** Of equal hashes all but the first, by part. */
    private static Iterator<Tuple2<Integer, int[]>> later(Iterator<Tuple2<Integer, Hashes>> some) {
        Long2LongOpenHashMap first = new Long2LongOpenHashMap();
        first.defaultReturnValue(Long.MAX_VALUE);
        LongArrayList later = new LongArrayList();
        while (some.hasNext()) {
            Hashes hashes = some.next()._2;
            for (int i = 0; i < hashes.hashes.length; i++) {
                long place = (long) hashes.part << Integer.SIZE | hashes.numbers[i];
                long known = first.get(hashes.hashes[i]);
                if (place < known) {
                    first.put(hashes.hashes[i], place);
                }
                if (known != Long.MAX_VALUE) {
                    later.add(Math.max(place, known));
                }
            }
        }
        long[] places = later.toLongArray();
        Arrays.sort(places);
        List<Tuple2<Integer, int[]>> byPart = new ArrayList<>();
        for (int from = 0; from < places.length;) {
            int part = (int) (places[from] >> Integer.SIZE);
            int to = from;
            while (to < places.length && places[to] >> Integer.SIZE == part) {
                to++;
            }
            byPart.add(new Tuple2<>(part, Arrays.stream(places, from, to).mapToInt(place -> (int) place).toArray()));
            from = to;
        }
        return byPart.iterator();
    }

    private static Void write(Recipe recipe, int part, Iterable<int[]> some) throws IOException {
        IntArrayList all = new IntArrayList();
        some.forEach(numbers -> all.addElements(all.size(), numbers));
        int[] sorted = all.toIntArray();
        Arrays.sort(sorted);
        recipe.folder().write(PartFiles.dropped(part), out -> {
            for (int number : sorted) {
                out.writeInt(number);
            }
        });
        return null;
    }

    /** The numbers of a part's documents that are left out, in their order. */
    static int[] of(HadoopFolder folder, int part) throws IOException {
        String name = PartFiles.dropped(part);
        if (!folder.has(name)) {
            return new int[0];
        }
        int[] numbers = new int[(int) (folder.size(name) / Integer.BYTES)];
        try (DataInputStream in = folder.read(name)) {
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = in.readInt();
            }
        }
        return numbers;
    }
}
