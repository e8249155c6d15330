// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The steps that cut a text into pieces before BPE, as Hugging Face's tokenizers define them. No token spans two pieces. */
final class Splitters {
    /** GPT-2's pieces: what one word, number, run of signs or run of white space is. */
    static final String GPT2 = "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    /** One step. */
    @FunctionalInterface
    interface Splitter {
        /**
         * Cuts {@code piece}, and gives what it becomes to {@code out}.
         *
         * @param first whether the piece is at the start of the text
         */
        void split(String piece, boolean first, Consumer<String> out);
    }

    /** What becomes of the stretches that a pattern matches. */
    enum Behaviour {
        ISOLATED, REMOVED, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT, CONTIGUOUS
    }

    private Splitters() {
    }

    /** The steps one after the other. */
    static Splitter sequence(List<Splitter> steps) {
        Splitter all = (text, _, out) -> out.accept(text);
        for (Splitter step : steps) {
            Splitter before = all;
            all = (text, first, out) -> {
                boolean[] atStart = {first};
                before.split(text, first, piece -> {
                    step.split(piece, atStart[0], out);
                    atStart[0] = false;
                });
            };
        }
        return all;
    }

    /** A pattern as the tokenizers' regular expressions read it: classes are Unicode's, and so is case. */
    static Pattern pattern(String regex) {
        return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS);
    }

    /** Cuts at the matches of {@code pattern}; at what lies between them if {@code invert}. */
    static Splitter at(Pattern pattern, Behaviour behaviour, boolean invert) {
        return (text, _, out) -> {
            var spans = new Spans(behaviour, out);
            int from = 0;
            for (Matcher m = pattern.matcher(text); m.find();) {
                if (m.end() == m.start()) {
                    continue;
                }
                if (m.start() > from) {
                    spans.add(text.substring(from, m.start()), invert);
                }
                spans.add(m.group(), !invert);
                from = m.end();
            }
            if (from < text.length()) {
                spans.add(text.substring(from), invert);
            }
            spans.flush();
        };
    }

    /** Makes pieces of the stretches that a pattern matches and those between them. */
    private static final class Spans {
        private final Behaviour behaviour;
        private final Consumer<String> out;
        private final StringBuilder open = new StringBuilder();
        private boolean before;
        private boolean any;

        Spans(Behaviour behaviour, Consumer<String> out) {
            this.behaviour = behaviour;
            this.out = out;
        }

        void add(String span, boolean match) {
            if (behaviour == Behaviour.ISOLATED) {
                out.accept(span);
                return;
            }
            boolean joins = any && switch (behaviour) {
                case ISOLATED, REMOVED -> false;
                case MERGED_WITH_PREVIOUS -> match && !before;
                case MERGED_WITH_NEXT -> before && !match;
                case CONTIGUOUS -> match == before;
            };
            if (!joins) {
                flush();
            }
            if (!(match && behaviour == Behaviour.REMOVED)) {
                open.append(span);
            }
            before = match;
            any = true;
        }

        void flush() {
            if (!open.isEmpty()) {
                out.accept(open.toString());
                open.setLength(0);
            }
        }
    }

    /**
     * What a byte-level vocabulary does last: a space in front of a piece that has none, if wanted, and cuts it as GPT-2 does, if
     * wanted. What is left are bytes.
     */
    record ByteLevel(boolean prefixSpace, boolean cut) implements Splitter {
        byte[] bytes(String piece) {
            String text = prefixSpace && !piece.startsWith(" ") ? " " + piece : piece;
            return text.getBytes(StandardCharsets.UTF_8);
        }

        /** The end of the piece that starts at {@code from} in what {@link #bytes} has made. */
        int end(byte[] bytes, int from) {
            return cut ? Gpt2Pieces.end(bytes, from, bytes.length) : bytes.length;
        }

        /** Writes the bytes as {@link ByteChars}, for a step that comes after this one. */
        @Override
        public void split(String piece, boolean first, Consumer<String> out) {
            byte[] bytes = bytes(piece);
            for (int from = 0; from < bytes.length;) {
                int to = end(bytes, from);
                out.accept(ByteChars.of(Arrays.copyOfRange(bytes, from, to)));
                from = to;
            }
        }
    }

    /** When a metaspace is put in front of a text. */
    enum Prepend {
        ALWAYS, NEVER, FIRST
    }

    /** SentencePiece's way: spaces become {@code mark}, one is put in front, and pieces begin at marks if {@code cut}. */
    static Splitter metaspace(String mark, Prepend prepend, boolean cut) {
        Splitter words =
                cut ? at(Pattern.compile(Pattern.quote(mark)), Behaviour.MERGED_WITH_NEXT, false)
                        : (text, _, out) -> out.accept(text);
        return (text, first, out) -> {
            String marked = text.replace(" ", mark);
            boolean front = prepend == Prepend.ALWAYS || prepend == Prepend.FIRST && first;
            words.split(front && !marked.startsWith(mark) ? mark + marked : marked, first, out);
        };
    }
}
