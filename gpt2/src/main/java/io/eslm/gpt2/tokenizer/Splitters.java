// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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
         * Cuts {@code piece}, and adds what it becomes to {@code out}.
         *
         * @param first whether the piece is at the start of the text
         */
        void split(String piece, boolean first, List<String> out);
    }

    /** What becomes of the stretches that a pattern matches. */
    enum Behaviour {
        ISOLATED, REMOVED, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT, CONTIGUOUS
    }

    private Splitters() {
    }

    /** The steps one after the other. */
    static Splitter sequence(List<Splitter> steps) {
        return (text, first, out) -> {
            List<String> pieces = List.of(text);
            for (Splitter step : steps) {
                List<String> next = new ArrayList<>();
                for (int i = 0; i < pieces.size(); i++) {
                    step.split(pieces.get(i), first && i == 0, next);
                }
                pieces = next;
            }
            out.addAll(pieces);
        };
    }

    /** A pattern as the tokenizers' regular expressions read it: classes are Unicode's, and so is case. */
    static Pattern pattern(String regex) {
        return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS);
    }

    /** Cuts at the matches of {@code pattern}; at what lies between them if {@code invert}. */
    static Splitter at(Pattern pattern, Behaviour behaviour, boolean invert) {
        return (text, _, out) -> {
            List<String> spans = new ArrayList<>();
            List<Boolean> matched = new ArrayList<>();
            int from = 0;
            for (Matcher m = pattern.matcher(text); m.find();) {
                if (m.end() == m.start()) {
                    continue;
                }
                if (m.start() > from) {
                    spans.add(text.substring(from, m.start()));
                    matched.add(invert);
                }
                spans.add(m.group());
                matched.add(!invert);
                from = m.end();
            }
            if (from < text.length()) {
                spans.add(text.substring(from));
                matched.add(invert);
            }
            join(spans, matched, behaviour, out);
        };
    }

    private static void join(List<String> spans, List<Boolean> matched, Behaviour behaviour, List<String> out) {
        StringBuilder open = new StringBuilder();
        boolean before = false;
        for (int i = 0; i < spans.size(); i++) {
            boolean match = matched.get(i);
            boolean joins = i > 0 && switch (behaviour) {
                case ISOLATED, REMOVED -> false;
                case MERGED_WITH_PREVIOUS -> match && !before;
                case MERGED_WITH_NEXT -> before && !match;
                case CONTIGUOUS -> match == before;
            };
            if (!joins && !open.isEmpty()) {
                out.add(open.toString());
                open.setLength(0);
            }
            if (!(match && behaviour == Behaviour.REMOVED)) {
                open.append(spans.get(i));
            }
            before = match;
        }
        if (!open.isEmpty()) {
            out.add(open.toString());
        }
    }

    /** Writes the UTF-8 bytes as {@link ByteChars}; first adds a space in front where there is none, and cuts, if wanted. */
    static Splitter byteLevel(boolean prefixSpace, boolean cut) {
        Splitter words = cut ? at(pattern(GPT2), Behaviour.ISOLATED, false) : (text, _, out) -> out.add(text);
        return (text, first, out) -> {
            List<String> pieces = new ArrayList<>();
            words.split(prefixSpace && !text.startsWith(" ") ? " " + text : text, first, pieces);
            pieces.forEach(p -> out.add(ByteChars.of(p.getBytes(StandardCharsets.UTF_8))));
        };
    }

    /** When a metaspace is put in front of a text. */
    enum Prepend {
        ALWAYS, NEVER, FIRST
    }

    /** SentencePiece's way: spaces become {@code mark}, one is put in front, and pieces begin at marks if {@code cut}. */
    static Splitter metaspace(String mark, Prepend prepend, boolean cut) {
        Splitter words =
                cut ? at(Pattern.compile(Pattern.quote(mark)), Behaviour.MERGED_WITH_NEXT, false)
                        : (text, _, out) -> out.add(text);
        return (text, first, out) -> {
            String marked = text.replace(" ", mark);
            boolean front = prepend == Prepend.ALWAYS || prepend == Prepend.FIRST && first;
            words.split(front && !marked.startsWith(mark) ? mark + marked : marked, first, out);
        };
    }
}
