// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a user may set, in environment variables.
 *
 * @param driver number of the TornadoVM driver (OpenCL, CUDA, …) among those of the SDK
 * @param device number of the device among the driver's
 * @param memoryBytes how much of the device's memory to take; 0: three quarters of it
 * @param arrayBytes the most that one array of it takes; 0: what TornadoVM and the driver allow
 * @param products what computes products; null: cuBLAS in float32 where there is one, else the portable kernel
 * @param cublas the file of cuBLAS; null: the one that the system finds
 * @param attention how attention goes; null: by products where cuBLAS computes them, else tile by tile
 * @param programs whether a sequence of kernels that comes again starts as one {@link Program}
 */
record Settings(int driver, int device, long memoryBytes, long arrayBytes, Products products, String cublas,
        Attend attention, boolean programs) {
    static final String DEVICE = "ESLM_TORNADO_DEVICE";
    static final String MEMORY = "ESLM_TORNADO_MEMORY";
    static final String ARRAY = "ESLM_TORNADO_ARRAY";
    static final String PRODUCTS = "ESLM_TORNADO_PRODUCTS";
    static final String CUBLAS = "ESLM_TORNADO_CUBLAS";
    static final String ATTENTION = "ESLM_TORNADO_ATTENTION";
    static final String PROGRAMS = "ESLM_TORNADO_PROGRAMS";
    private static final long LEAST_BYTES = 1 << 20;

    static Settings of(Map<String, String> environment) {
        String[] device = environment.getOrDefault(DEVICE, "0:0").split(":", -1);
        try {
            if (device.length == 2) {
                return new Settings(Integer.parseUnsignedInt(device[0]), Integer.parseUnsignedInt(device[1]),
                        bytes(MEMORY, environment), bytes(ARRAY, environment),
                        choice(PRODUCTS, environment.get(PRODUCTS), Products.values()), environment.get(CUBLAS),
                        choice(ATTENTION, environment.get(ATTENTION), Attend.values()),
                        programs(environment.getOrDefault(PROGRAMS, "on")));
            }
        } catch (NumberFormatException e) {
            // the message below says so
        }
        throw new UserError(
                DEVICE + "=" + environment.get(DEVICE)
                        + ": must be DRIVER:DEVICE as 'eslm backends' lists them, such as 0:1");
    }

    private static boolean programs(String word) {
        UserError.check(word.equals("on") || word.equals("off"), "%s=%s: must be on or off", PROGRAMS, word);
        return word.equals("on");
    }

    /** The one of {@code all} that a user has written; null where nothing is written. */
    private static <E extends Enum<E>> E choice(String name, String word, E[] all) {
        if (word == null) {
            return null;
        }
        return Arrays.stream(all).filter(e -> word(e).equals(word)).findFirst()
                .orElseThrow(() -> new UserError(name + "=" + word + ": must be one of "
                        + Arrays.stream(all).map(Settings::word).collect(Collectors.joining(", "))));
    }

    /** As a user writes it. */
    static String word(Enum<?> e) {
        return e.name().toLowerCase(Locale.ROOT);
    }

    private static long bytes(String name, Map<String, String> environment) {
        String text = environment.getOrDefault(name, "0");
        String number = text.toLowerCase(Locale.ROOT);
        int shift = number.endsWith("g") ? 30 : number.endsWith("m") ? 20 : 0;
        try {
            double value = Double.parseDouble(shift == 0 ? number : number.substring(0, number.length() - 1));
            long bytes = (long) (value * (1L << shift));
            if (value < 1e6 && (bytes == 0 || bytes >= LEAST_BYTES)) {
                return bytes;
            }
        } catch (NumberFormatException e) {
            // the message below says so
        }
        throw new UserError(
                name + "=" + text + ": must be a size such as 4g or 500m, at least " + (LEAST_BYTES >> 20) + "m");
    }
}
