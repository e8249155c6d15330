// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which rank owns which part of the trained parameters, one after the other as one long row. A parameter is cut into pieces of
 * {@value #PIECE} values, the same whatever the number of ranks, and a rank owns whole pieces that follow each other; so sums over
 * pieces have the same bits for any number of ranks.
 */
final class Shards {
    static final int PIECE = 1 << 16;

    /** Values {@code [from, from + n)} of a parameter. */
    record Piece(String path, int from, int n) {
    }

    private final List<Piece> pieces = new ArrayList<>();
    private final long[] cuts;
    private final int[] pieceCuts;

    /** @param parameters those that take a gradient, by path */
    Shards(Map<String, Parameter> parameters, int world) {
        parameters.forEach((path, p) -> {
            for (int from = 0; from < p.value().size(); from += PIECE) {
                pieces.add(new Piece(path, from, Math.min(PIECE, p.value().size() - from)));
            }
        });
        long total = pieces.stream().mapToLong(Piece::n).sum();
        cuts = new long[world + 1];
        pieceCuts = new int[world + 1];
        int i = 0;
        long at = 0;
        for (int r = 1; r <= world; r++) {
            long wanted = Math.round((double) total * r / world);
            while (i < pieces.size() && (r == world || at + pieces.get(i).n / 2 < wanted)) {
                at += pieces.get(i++).n;
            }
            cuts[r] = at;
            pieceCuts[r] = i;
        }
    }

    /** Rank r owns the values {@code [cuts[r], cuts[r + 1])}. */
    long[] cuts() {
        return cuts.clone();
    }

    List<Piece> piecesOf(int rank) {
        return List.copyOf(pieces.subList(pieceCuts[rank], pieceCuts[rank + 1]));
    }

    /** What a rank owns of each parameter; one it owns nothing of is left out. */
    Map<String, Piece> of(int rank) {
        Map<String, Piece> own = new LinkedHashMap<>();
        for (Piece piece : piecesOf(rank)) {
            own.merge(piece.path, piece, (a, b) -> new Piece(a.path, a.from, a.n + b.n));
        }
        return own;
    }

    /**
     * The parts that a rank owns as parameters of their own: their values are those of the model, their gradients in memory of
     * their own. They have as many dimensions as the whole, because matrices decay.
     */
    static Map<String, Parameter> views(Map<String, Piece> own, Map<String, Parameter> parameters) {
        Map<String, Parameter> views = new LinkedHashMap<>();
        own.forEach((path, piece) -> {
            Tensor whole = parameters.get(path).value();
            Shape shape = whole.rank() >= 2 ? Shape.of(1, piece.n) : Shape.of(piece.n);
            views.put(path, new Parameter(new Tensor(whole.backend(),
                    whole.backend().slice(whole.storage(), piece.from, piece.n), shape)));
        });
        return views;
    }
}
