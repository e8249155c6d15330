// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.UserError;
import java.util.Arrays;

/**
 * Tries the products of a device with small ones, one alone and a batch of two with transposed factors, of numbers that every
 * precision holds, and compares the results.
 */
final class CuBlasTrial {
    private CuBlasTrial() {
    }

    /**
     * Overwrites the device's first floats.
     *
     * @param what computes the products, for the message
     * @throws UserError if a product is wrong
     */
    static void run(Device device, String what) {
        DeviceStorage all = new DeviceStorage(device, DType.F32, 0, 0, 48);
        float[] factors =
                {1, 2, 3, 4, 5, 6, -1, 0, 2, 3, 1, -2, 7, -8, 9, 1, -2, 3, 1, 0, 1, 2, -1, 0, 0, 3, 1, 1, 1, 1};
        device.write(all, factors, 0, factors.length);
        new Product(all.slice(32, 4), all.slice(0, 6), all.slice(12, 6), 2, 3, 2).launch(device);
        new Product(all.slice(36, 8), all.slice(0, 12), all.slice(18, 12), 2, 3, 2).transposed(false, true)
                .batch(2, 1, 4, 6, 6, 0, 0, 0).launch(device);
        float[] expected = {19, 3, 61, -9, 4, 0, 10, 3, 2, 1, 1, 2};
        float[] got = new float[expected.length];
        device.read(all.slice(32, got.length), got, 0, got.length);
        if (!Arrays.equals(expected, got)) {
            throw new UserError("backend 'tornado': " + what + " gives wrong products on this device: "
                    + Arrays.toString(got) + " for " + Arrays.toString(expected) + ". Leave it out with "
                    + Settings.PRODUCTS + "=" + Settings.word(Products.PORTABLE));
        }
    }
}
