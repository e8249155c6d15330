// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;

/** BPE training as it is defined: all pairs are counted again for each merge. */
final class SlowBpe {
    private record Pair(int left, int right) {
    }

    private static final Comparator<Map.Entry<Pair, Long>> ORDER =
            Map.Entry.<Pair, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey(
                    Comparator.comparingInt(Pair::left).thenComparingInt(Pair::right)));

    private SlowBpe() {
    }

    static BpeVocabulary train(List<String> texts, int size, List<String> special) {
        var vocabulary = new BpeVocabulary(special);
        List<List<Integer>> pieces = new ArrayList<>();
        for (String text : texts) {
            for (Matcher m = Splitters.pattern(Splitters.GPT2).matcher(text); m.find();) {
                List<Integer> piece = new ArrayList<>();
                for (byte b : m.group().getBytes(StandardCharsets.UTF_8)) {
                    piece.add(vocabulary.byteIds()[b & 0xFF]);
                }
                pieces.add(piece);
            }
        }
        while (vocabulary.size() < size) {
            Map<Pair, Long> counts = new TreeMap<>(Comparator.comparingInt(Pair::left).thenComparingInt(Pair::right));
            for (List<Integer> piece : pieces) {
                for (int i = 0; i + 1 < piece.size(); i++) {
                    counts.merge(new Pair(piece.get(i), piece.get(i + 1)), 1L, Long::sum);
                }
            }
            if (counts.isEmpty()) {
                break;
            }
            Pair best = counts.entrySet().stream().min(ORDER).orElseThrow().getKey();
            int joined = vocabulary.merge(best.left, best.right);
            for (List<Integer> piece : pieces) {
                for (int i = 0; i + 1 < piece.size(); i++) {
                    if (piece.get(i) == best.left && piece.get(i + 1) == best.right) {
                        piece.set(i, joined);
                        piece.remove(i + 1);
                    }
                }
            }
        }
        return vocabulary;
    }
}
