// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** The devices that TornadoVM finds. Loaded only after its runtime was found. */
final class Devices {
    private static final Map<Settings, DeviceMemory> OPEN = new HashMap<>();

    private Devices() {
    }

    /** One line each: its name in {@value Settings#DEVICE}, and what it is. */
    static List<String> lines() {
        List<String> lines = new ArrayList<>();
        List<TornadoBackend> drivers = TornadoExecutionPlan.getTornadoDeviceMap().getAllBackends();
        for (int driver = 0; driver < drivers.size(); driver++) {
            for (int i = 0; i < drivers.get(driver).getNumDevices(); i++) {
                lines.add(String.format(Locale.ROOT, "%d:%d  %s", driver, i,
                        Device.describe(drivers.get(driver).getDevice(i))));
            }
        }
        return lines;
    }

    /** The device that {@code settings} name, or null. */
    static TornadoDevice find(Settings settings) {
        List<TornadoBackend> drivers = TornadoExecutionPlan.getTornadoDeviceMap().getAllBackends();
        if (settings.driver() >= drivers.size()
                || settings.device() >= drivers.get(settings.driver()).getNumDevices()) {
            return null;
        }
        return drivers.get(settings.driver()).getDevice(settings.device());
    }

    /**
     * What computes products on {@code device}: what {@code settings} name, else cuBLAS where it can be called.
     *
     * @throws UserError if cuBLAS was asked for and cannot be called
     */
    static Products products(TornadoDevice device, Settings settings) {
        Products wanted = settings.products();
        if (wanted == Products.PORTABLE) {
            return wanted;
        }
        if (!CudaStream.isOf(device)) {
            if (wanted == null) {
                return Products.PORTABLE;
            }
            throw new UserError(Settings.PRODUCTS + "=" + Settings.word(wanted)
                    + ": cuBLAS needs a device of TornadoVM's CUDA "
                    + "backend, and this one is " + Device.describe(device) + ". Install the SDK with that backend, or "
                    + "take " + Settings.PRODUCTS + "=" + Settings.word(Products.PORTABLE));
        }
        String missing = CuBlas.missing(settings.cublas());
        if (missing == null) {
            return wanted == null ? Products.FLOAT32 : wanted;
        }
        if (wanted == null && settings.cublas() == null) {
            return Products.PORTABLE;
        }
        throw new UserError(missing);
    }

    /**
     * The device, prepared once for this JVM, so that its programs are compiled once however often the backend is
     * opened.
     */
    static synchronized DeviceMemory open(Settings settings) {
        return OPEN.computeIfAbsent(settings, s -> new DeviceMemory(new Device(find(s), s)));
    }
}
