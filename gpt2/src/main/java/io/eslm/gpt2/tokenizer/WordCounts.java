// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.UserError;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * How often each piece occurs in texts ({@link Gpt2Pieces}). Several threads count, each in a small table of its own, and add that to
 * the common one, so the memory follows the different words and not the text.
 */
final class WordCounts {
    private static final int STRIPES = 64;
    /** A thread's own table is emptied at this size, and at the end. */
    private static final int OWN_WORDS = 1 << 16;
    private static final int BATCH_CHARS = 1 << 18;
    /** Batches that wait or are counted, for each thread. */
    private static final int AHEAD = 2;

    private final WordTable[] stripes = new WordTable[STRIPES];
    private final Queue<WordTable> own = new ConcurrentLinkedQueue<>();
    private final LongAdder textBytes = new LongAdder();
    private final LongAdder words = new LongAdder();
    private final long mostBytes;

    /** @param mostBytes what all different words together may have, each with one byte more */
    WordCounts(long mostBytes) {
        this.mostBytes = mostBytes;
        Arrays.setAll(stripes, _ -> new WordTable(16));
    }

    /**
     * Counts the pieces of each text by itself.
     *
     * @param done hears in this thread how many bytes of text are counted, from time to time
     * @throws UserError if there are more different words than memory for them
     */
    void count(Iterator<String> texts, int threads, LongConsumer done) {
        ExecutorService pool = Executors.newFixedThreadPool(threads,
                Thread.ofPlatform().daemon().name("words-", 0).factory());
        try {
            var running = new ArrayDeque<Future<?>>();
            while (texts.hasNext()) {
                List<String> batch = batch(texts);
                running.add(pool.submit(() -> count(batch)));
                if (running.size() > AHEAD * threads) {
                    await(running.remove());
                    done.accept(textBytes.sum());
                }
            }
            awaitAll(running, done);
            for (WordTable table = own.poll(); table != null; table = own.poll()) {
                WordTable found = table;
                running.add(pool.submit(() -> moveToCommon(found)));
            }
            awaitAll(running, done);
        } finally {
            pool.shutdownNow();
        }
    }

    private static List<String> batch(Iterator<String> texts) {
        var batch = new ArrayList<String>();
        for (int chars = 0; chars < BATCH_CHARS && texts.hasNext();) {
            batch.add(texts.next());
            chars += batch.getLast().length();
        }
        return batch;
    }

    private void awaitAll(Queue<Future<?>> running, LongConsumer done) {
        while (!running.isEmpty()) {
            await(running.remove());
            done.accept(textBytes.sum());
        }
    }

    private static void await(Future<?> counted) {
        try {
            counted.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while counting words", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException failed -> throw failed;
                case Error failed -> throw failed;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    private void count(List<String> batch) {
        WordTable found = own.poll();
        found = found == null ? new WordTable(OWN_WORDS) : found;
        for (String text : batch) {
            byte[] bytes = Utf8.wellFormed(text).getBytes(StandardCharsets.UTF_8);
            int pieces = 0;
            for (int from = 0; from < bytes.length;) {
                int to = Gpt2Pieces.end(bytes, from, bytes.length);
                found.add(bytes, from, to, WordTable.hash(bytes, from, to), 1);
                from = to;
                pieces++;
                if (found.size() == OWN_WORDS) {
                    moveToCommon(found);
                }
            }
            textBytes.add(bytes.length);
            words.add(pieces);
        }
        own.add(found);
    }

    private void moveToCommon(WordTable found) {
        for (int word = 0; word < found.size(); word++) {
            int hash = found.hash(word);
            WordTable stripe = stripes[hash >>> 26];
            synchronized (stripe) {
                stripe.add(found.bytes(), found.start(word), found.end(word), hash, found.count(word));
            }
        }
        found.clear();
        if (differentBytes() > mostBytes) {
            throw tooMany();
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("another thread has failed");
        }
    }

    private UserError tooMany() {
        return new UserError(String.format(Locale.ROOT,
                "the text has more different words than fit into memory: %,d of them, %,d MB, after %,d MB of text. Give "
                        + "Java more memory, or learn the vocabulary from a part of the text",
                different(), differentBytes() >> 20, textBytes.sum() >> 20));
    }

    /** Gives the words away, part by part, in no certain order. */
    Iterable<WordTable> drain() {
        return () -> IntStream.range(0, STRIPES).mapToObj(i -> {
            WordTable part = stripes[i];
            stripes[i] = new WordTable(1);
            return part;
        }).iterator();
    }

    /** Bytes of all texts in UTF-8. */
    long textBytes() {
        return textBytes.sum();
    }

    /** Pieces of all texts. */
    long words() {
        return words.sum();
    }

    /** Different ones. */
    long different() {
        return sum(false);
    }

    /** Bytes of the different ones, and one more for each. */
    long differentBytes() {
        return sum(true);
    }

    private long sum(boolean ofBytes) {
        long sum = 0;
        for (WordTable stripe : stripes) {
            synchronized (stripe) {
                sum += stripe.size() + (ofBytes ? stripe.length() : 0);
            }
        }
        return sum;
    }
}
