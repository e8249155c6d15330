// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import io.eslm.tensor.Shape;

/**
 * How one or more tensors changed from A to B. Sums are in double precision.
 *
 * @param name of the tensor, or of the group
 * @param shape of the tensor; of a group, the shape of the tensor with the largest change
 * @param values number of values
 * @param aa ‖A‖²
 * @param bb ‖B‖²
 * @param ab A·B
 * @param dd ‖B − A‖²
 * @param largest the change with the largest size
 */
public record WeightChange(String name, Shape shape, long values, double aa, double bb, double ab, double dd,
        Largest largest) {
    /**
     * The first of the changes with the largest size.
     *
     * @param tensor that it is in
     * @param at its place, one index an axis
     */
    public record Largest(String tensor, int[] at, float a, float b) {
        /** b − a. */
        public double change() {
            return (double) b - a;
        }
    }

    /** ‖B − A‖/‖A‖ in the Frobenius norm; 0 if nothing changed, infinite if A is zero and B is not. */
    public double relative() {
        return dd == 0 ? 0 : Math.sqrt(dd / aa);
    }

    /** A·B/(‖A‖·‖B‖); NaN if one of them is zero. */
    public double cosine() {
        return aa == 0 || bb == 0 ? Double.NaN : Math.clamp(ab / (Math.sqrt(aa) * Math.sqrt(bb)), -1.0, 1.0);
    }

    /** The same under another name. */
    WeightChange as(String group) {
        return new WeightChange(group, shape, values, aa, bb, ab, dd, largest);
    }

    /** This and {@code other} as one group. */
    WeightChange plus(WeightChange other, String group) {
        boolean more = Math.abs(other.largest.change()) > Math.abs(largest.change());
        return new WeightChange(group, more ? other.shape : shape, values + other.values, aa + other.aa, bb + other.bb,
                ab + other.ab, dd + other.dd, more ? other.largest : largest);
    }

    /** The group of the tensor: its block, or itself if it is in none. */
    public String layer() {
        String bare = name.substring(name.indexOf('.') + 1);
        return bare.startsWith("h.") ? bare.substring(0, bare.indexOf('.', 2)) : bare.replaceFirst("\\.\\w+$", "");
    }
}
