// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Which rank owns which part of the trained parameters. A parameter is cut into pieces of {@value #PIECE} values, the same whatever
 * the number of ranks, and a rank owns whole pieces; so sums over pieces have the same bits for any number of ranks.
 *
 * <p>Matrices that an optimizer updates as a whole have one owner each, so that all ranks have about the same work with them. All
 * else goes to the ranks in order, so that all own about as many values.
 */
final class Shards {
    static final int PIECE = 1 << 16;

    /** Values {@code [from, from + n)} of a parameter. */
    record Piece(String path, int from, int n) {
    }

    private final List<Piece> pieces = new ArrayList<>();
    private final int[] owners;
    private final int world;

    /** @param parameters those that take a gradient, by path */
    Shards(Map<String, Parameter> parameters, OptimizerKind optimizer, int world) {
        this.world = world;
        parameters.forEach((path, p) -> {
            for (int from = 0; from < p.value().size(); from += PIECE) {
                pieces.add(new Piece(path, from, Math.min(PIECE, p.value().size() - from)));
            }
        });
        owners = new int[pieces.size()];
        Map<String, Integer> whole = ownersOfWhole(parameters, optimizer, world);
        long total = pieces.stream().mapToLong(Piece::n).sum();
        long at = 0;
        int i = 0;
        for (int r = 0; r < world; r++) {
            int rank = r;
            at += pieces.stream().filter(p -> whole.getOrDefault(p.path, -1) == rank).mapToLong(Piece::n).sum();
            long wanted = Math.round((double) total * (r + 1) / world);
            for (; i < owners.length; i++) {
                Piece piece = pieces.get(i);
                if (whole.containsKey(piece.path)) {
                    owners[i] = whole.get(piece.path);
                } else if (r == world - 1 || at + piece.n / 2 < wanted) {
                    owners[i] = r;
                    at += piece.n;
                } else {
                    break;
                }
            }
        }
    }

    /** By path: the costliest first, each goes to the rank with the least work so far. */
    private static Map<String, Integer> ownersOfWhole(Map<String, Parameter> parameters, OptimizerKind optimizer,
            int world) {
        Map<String, Long> costs = new LinkedHashMap<>();
        parameters.forEach((path, p) -> costs.put(path, optimizer.multiplyAdds(path, p)));
        Map<String, Integer> owners = new HashMap<>();
        long[] work = new long[world];
        costs.entrySet().stream().filter(cost -> cost.getValue() > 0)
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder())).forEach(cost -> {
                    int least = IntStream.range(0, world).reduce(0, (a, b) -> work[b] < work[a] ? b : a);
                    work[least] += cost.getValue();
                    owners.put(cost.getKey(), least);
                });
        return owners;
    }

    /** The rank that owns each piece, in the order of the parameters. */
    int[] owners() {
        return owners.clone();
    }

    /** What the ranks own, rank after rank, in the order of the parameters: the long row that they exchange. */
    List<Piece> row() {
        return IntStream.range(0, world).boxed().flatMap(r -> of(r).values().stream()).toList();
    }

    /** Rank r owns the numbers {@code [cuts[r], cuts[r + 1])} of the {@link #row}. */
    long[] cuts() {
        long[] cuts = new long[world + 1];
        for (int i = 0; i < owners.length; i++) {
            cuts[owners[i] + 1] += pieces.get(i).n;
        }
        for (int r = 0; r < world; r++) {
            cuts[r + 1] += cuts[r];
        }
        return cuts;
    }

    List<Piece> piecesOf(int rank) {
        return IntStream.range(0, owners.length).filter(i -> owners[i] == rank).mapToObj(pieces::get).toList();
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
     * their own. A part has as many dimensions as the whole, because matrices decay.
     */
    static Map<String, Parameter> views(Map<String, Piece> own, Map<String, Parameter> parameters) {
        Map<String, Parameter> views = new LinkedHashMap<>();
        own.forEach((path, piece) -> {
            Tensor whole = parameters.get(path).value();
            Shape shape = piece.n == whole.size() ? whole.shape()
                    : whole.rank() >= 2 ? Shape.of(1, piece.n) : Shape.of(piece.n);
            views.put(path, new Parameter(new Tensor(whole.backend(),
                    whole.backend().slice(whole.storage(), piece.from, piece.n), shape)));
        });
        return views;
    }
}
