// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import io.eslm.diff.WeightChange.Largest;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.StoredWeights;
import io.eslm.gpt2.option.Option;
import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The change of every weight from model A to model B, read piece by piece from their files: two buffers of {@value #CHUNK} values,
 * whatever the size of the models.
 *
 * @param tensors in the order of a forward pass
 * @param layers the same by block, and outside of blocks by norm and embedding
 * @param all everything as one
 */
public record WeightDiff(List<WeightChange> tensors, List<WeightChange> layers, WeightChange all) {
    private static final int CHUNK = 1 << 16;

    /**
     * Compares the weights of two model folders or runs.
     *
     * @throws UserError if one cannot be read, or they are not of one shape; the message names the difference
     */
    public static WeightDiff of(Path a, Path b) {
        try (StoredWeights from = StoredWeights.open(a); StoredWeights to = StoredWeights.open(b)) {
            checkConfigs(from, to);
            TokenIdentity.check(from.folder(), to.folder());
            Map<String, Shape> shapes = from.shapes();
            checkNames(from, to);
            List<WeightChange> tensors = new ArrayList<>();
            Map<String, WeightChange> layers = new LinkedHashMap<>();
            shapes.forEach((name, shape) -> {
                WeightChange change = change(name, shape, from, to);
                tensors.add(change);
                layers.merge(change.layer(), change.as(change.layer()), (x, y) -> x.plus(y, change.layer()));
            });
            WeightChange all = tensors.stream().reduce((x, y) -> x.plus(y, "all")).orElseThrow(
                    () -> new UserError(from.folder() + ": has no weights"));
            return new WeightDiff(tensors, List.copyOf(layers.values()), all.as("all"));
        }
    }

    /** The dropout rate may differ: it changes training, not the model. */
    private static void checkConfigs(StoredWeights a, StoredWeights b) {
        for (Option<?> option : Gpt2Config.GROUP.options()) {
            Object inA = a.config().values().get(option);
            Object inB = b.config().values().get(option);
            if (option != Gpt2Config.DROPOUT && !inA.equals(inB)) {
                throw new UserError("the models have different shapes: " + option + " is " + inA + " in " + a.folder()
                        + ", and " + inB + " in " + b.folder() + ". Only models of one shape can be compared");
            }
        }
    }

    private static void checkNames(StoredWeights a, StoredWeights b) {
        checkHas(a, b);
        checkHas(b, a);
    }

    private static void checkHas(StoredWeights one, StoredWeights other) {
        one.shapes().forEach((name, shape) -> {
            Shape there = other.shapes().get(name);
            if (!shape.equals(there)) {
                throw new UserError("the models have different weights: " + one.folder() + " has " + name + " " + shape
                        + ", and " + other.folder()
                        + (there == null ? " has no tensor of that name" : " has it as " + there));
            }
        });
    }

    private static WeightChange change(String name, Shape shape, StoredWeights from, StoredWeights to) {
        Sums sums = new Sums();
        float[] a = new float[Math.min(CHUNK, shape.size())];
        float[] b = new float[a.length];
        for (int at = 0; at < shape.size(); at += CHUNK) {
            int n = Math.min(CHUNK, shape.size() - at);
            from.read(name, at, a, n);
            to.read(name, at, b, n);
            sums.add(a, b, n, at);
        }
        checkFinite(name, from, sums.aa);
        checkFinite(name, to, sums.bb);
        return new WeightChange(name, shape, shape.size(), sums.aa, sums.bb, sums.ab, sums.dd,
                new Largest(name, indices(shape, sums.largest), sums.a, sums.b));
    }

    private static void checkFinite(String name, StoredWeights weights, double squares) {
        if (!Double.isFinite(squares)) {
            throw new UserError(weights.folder() + ": " + name
                    + " holds a NaN or an infinity. Its training diverged, or the file is damaged; use another checkpoint");
        }
    }

    /** Index i in row-major order as one index an axis. */
    private static int[] indices(Shape shape, int i) {
        int[] at = new int[shape.rank()];
        int rest = i;
        for (int axis = at.length - 1; axis >= 0; axis--) {
            int dim = Math.max(1, shape.dim(axis));
            at[axis] = rest % dim;
            rest /= dim;
        }
        return at;
    }

    /** What one pass over a tensor adds up. */
    private static final class Sums {
        private double aa;
        private double bb;
        private double ab;
        private double dd;
        private double most = -1;
        private int largest;
        private float a;
        private float b;

        void add(float[] from, float[] to, int n, int at) {
            for (int i = 0; i < n; i++) {
                double x = from[i];
                double y = to[i];
                double d = Math.abs(y - x);
                aa += x * x;
                bb += y * y;
                ab += x * y;
                dd += d * d;
                if (d > most) {
                    most = d;
                    largest = at + i;
                    a = from[i];
                    b = to[i];
                }
            }
        }
    }
}
