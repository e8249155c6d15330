// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Learns a byte-level BPE from texts. Same texts, same vocabulary, for any order of the texts and any number of threads; it is the
 * one that Hugging Face's {@code BpeTrainer} learns from the same strings, with the byte alphabet, GPT-2's {@code ByteLevel} and no
 * minimum frequency.
 *
 * <p>Each text is cut into pieces by itself: give whole documents ({@code train_from_iterator} there does the same; {@code train} there
 * gives every line with its line end, and learns other merges for blank and indented lines). Then, until the vocabulary is full, the
 * pair of neighbouring tokens that occurs most often within pieces becomes a token. Overlapping occurrences count; of equally frequent
 * pairs the one with the smaller first id comes first, then the one with the smaller second id. The text of a special token is
 * ordinary text here, so leave it out between documents.
 *
 * <p>Memory follows the different pieces, not the text: 32 MB of heap, and 20 bytes for each of their bytes. (The 219,000
 * different pieces of 100 MB of Java source code are 2.6 MB.) More is refused; nothing is left out.
 *
 * <pre>{@code
 * List<String> documents = List.of(Files.readString(Path.of("book.txt")), "another document");
 * BpeTrainer.Trained trained = BpeTrainer.train(documents, BpeTrainer.Settings.of(4096, "<|user|>"),
 *         (done, total, what) -> System.err.println(what + " " + 100 * done / total + " %"));
 * trained.shortfall().ifPresent(System.err::println);
 * trained.vocabulary().write(Path.of("my-tokenizer"));
 * Tokenizer tokenizer = Tokenizers.open("my-tokenizer");
 * }</pre>
 */
public final class BpeTrainer {
    /** Bytes of heap for each byte of the different pieces of a text; measured on source code, and on random words. */
    private static final int BYTES_FOR_BYTE = 20;
    /** What a heap has room for beside them. */
    private static final long BYTES_BESIDE = 32 << 20;
    /** The longest array, less what the machine may need. */
    private static final long MOST_SYMBOLS = Integer.MAX_VALUE - 16L;
    private static final int REPORT_EVERY = 64;

    private BpeTrainer() {
    }

    /**
     * What to learn.
     *
     * @param vocabSize number of tokens, with the special ones and the 256 bytes
     * @param special texts of special tokens, which get the ids 0, 1, …
     * @param threads that count; the result does not depend on them
     * @param textBytes about how long the texts are together, for the reports; 0 if that is not known
     */
    public record Settings(int vocabSize, List<String> special, int threads, long textBytes) {
        /** @throws UserError if the vocabulary has no room for the bytes and special tokens, or is too large */
        public Settings {
            special = List.copyOf(special);
            int least = BpeVocabulary.BYTES + special.size();
            UserError.check(vocabSize >= least,
                    "a vocabulary of %d tokens is too small: the 256 bytes and the special tokens %s are %d. Choose at least "
                            + "that, such as 4096",
                    vocabSize, special, least);
            UserError.check(vocabSize <= TokenizerJson.MOST_TOKENS,
                    "a vocabulary of %d tokens is too large: at most %d",
                    vocabSize, TokenizerJson.MOST_TOKENS);
            UserError.check(threads > 0, "%d threads cannot count; use at least 1", threads);
        }

        /** All cores; {@code <|endoftext|>} is the first special token unless {@code special} names it elsewhere. */
        public static Settings of(int vocabSize, String... special) {
            var all = new ArrayList<>(List.of(special));
            if (!all.contains(Gpt2Tokenizer.END_OF_TEXT_LITERAL)) {
                all.addFirst(Gpt2Tokenizer.END_OF_TEXT_LITERAL);
            }
            return new Settings(vocabSize, all, Runtime.getRuntime().availableProcessors(), 0);
        }

        /** The same for texts of about this many bytes. */
        public Settings textBytes(long bytes) {
            return new Settings(vocabSize, special, threads, bytes);
        }
    }

    /** Hears how far it is, in the thread that trains. */
    @FunctionalInterface
    public interface Listener {
        /** Ignores all reports. */
        Listener SILENT = (_, _, _) -> {};

        /**
         * Reports the work done so far.
         *
         * @param done bytes of text, or merges
         * @param total of them, above 0; {@code done} if it is not known
         * @param what is being done
         */
        void report(long done, long total, String what);
    }

    /**
     * What was learned.
     *
     * @param asked the vocabulary size that was asked for
     * @param textBytes bytes of text read
     * @param pieces of text
     * @param differentPieces of them
     */
    public record Trained(BpeVocabulary vocabulary, int asked, long textBytes, long pieces, long differentPieces) {
        /** A sentence that says so if the text has too few pairs to fill the vocabulary. */
        public Optional<String> shortfall() {
            return vocabulary.size() == asked ? Optional.empty()
                    : Optional.of(String.format(Locale.ROOT,
                            "the vocabulary has %,d tokens rather than %,d: the text has no more pairs to join. "
                                    + "Use more text for more tokens",
                            vocabulary.size(), asked));
        }
    }

    /**
     * Learns from {@code texts}, which are read once, in one thread, and not kept.
     *
     * @throws UserError if a special token cannot be one, or there are more different words than memory for them
     * @throws IllegalStateException if the thread is interrupted
     */
    public static Trained train(Iterable<String> texts, Settings settings, Listener listener) {
        var vocabulary = new BpeVocabulary(settings.special);
        long room = Math.max(0, Runtime.getRuntime().maxMemory() - BYTES_BESIDE) / BYTES_FOR_BYTE;
        var words = new WordCounts(Math.min(room, MOST_SYMBOLS));
        words.count(texts.iterator(), settings.threads, bytes -> {
            if (bytes > 0) {
                listener.report(bytes, Math.max(bytes, settings.textBytes), "counting words");
            }
        });
        var trained =
                new Trained(vocabulary, settings.vocabSize, words.textBytes(), words.words(), words.different());
        var learner = new MergeLearner(words, vocabulary.byteIds(), settings.vocabSize);
        learn(vocabulary, settings.vocabSize, learner, listener);
        return trained;
    }

    private static void learn(BpeVocabulary vocabulary, int size, MergeLearner learner, Listener listener) {
        int total = size - vocabulary.size();
        while (vocabulary.size() < size) {
            if (vocabulary.merges() % REPORT_EVERY == 0) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new IllegalStateException("interrupted while learning merges");
                }
                listener.report(total - (size - vocabulary.size()), total, "learning merges");
            }
            int pair = learner.next();
            if (pair < 0) {
                break;
            }
            learner.join(pair, vocabulary.merge(learner.left(pair), learner.right(pair)));
        }
        if (total > 0) {
            listener.report(total, total, "learning merges");
        }
    }
}
