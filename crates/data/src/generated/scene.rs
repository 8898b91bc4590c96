//! One picture before it is painted: everything that was drawn by lot, and how it is laid on the canvas.

use bakeoff_random::Stream;

use super::canvas::{Canvas, Colour, Lattice, hsv, mix, scaled, smoothstep};
use super::config::{GeneratedConfig, TRAITS, Trait};
use super::fish::{self, Fish, Skin};
use crate::{DeclaredSplit, RgbImage};

/// Something that stands or floats about.
enum SceneObject {
    Stone { x: f32, y: f32, width: f32, height: f32, colour: Colour },
    Weed { x: f32, root: f32, top: f32, width: f32, sway: f32, phase: f32, colour: Colour },
    Bubble { x: f32, y: f32, radius: f32 },
    Coral { x: f32, y: f32, height: f32, spread: f32, colour: Colour },
}

/// Everything about one picture but its pixels.
pub(super) struct Scene {
    lattice: Lattice,
    water: [Colour; 2],
    ground: Colour,
    horizon: f32,
    rays: f32,
    behind: Vec<SceneObject>,
    before: Vec<SceneObject>,
    fish: Fish,
    place: [f32; 2],
    length: f32,
    /// Sine and cosine of the tilt.
    tilt: [f32; 2],
    haze: f32,
    light: [f32; 2],
    exposure: f32,
    contrast: f32,
    tint: Colour,
    blur: f32,
    noise: f32,
    mirror: bool,
    grain: Stream,
}

/// Palettes of water and ground: hue, its half range, saturation from and to; then the ground's hue and saturation.
const PALETTES: [[f32; 6]; 6] = [
    [0.54, 0.05, 0.45, 0.85, 0.11, 0.35], // open sea over sand
    [0.36, 0.08, 0.25, 0.55, 0.16, 0.35], // green lake
    [0.13, 0.05, 0.20, 0.50, 0.10, 0.45], // sandy shallows
    [0.70, 0.06, 0.25, 0.60, 0.75, 0.20], // dusk
    [0.58, 0.20, 0.02, 0.15, 0.60, 0.06], // grey rock
    [0.98, 0.05, 0.20, 0.45, 0.03, 0.45], // coral light
];

impl Scene {
    /// Draws the lots of a picture. The order of the draws is part of the world: a new one goes last.
    pub(super) fn draw(config: &GeneratedConfig, split: DeclaredSplit, number: usize) -> Self {
        let part = match split {
            DeclaredSplit::Train | DeclaredSplit::Undeclared => 0,
            DeclaredSplit::Validation => 1,
            DeclaredSplit::Test => 2,
        };
        let lots = |what: &str| Stream::new(config.seed, what, part, number as u64);

        let mut s = lots("generated-traits");
        let class = config.class(number);
        let levels = config.levels();
        let kinds = TRAITS.map(|t| {
            let by_lot = s.below(t.kinds());
            (t, config.kind(&levels, t, class).unwrap_or(by_lot), config.carries(t))
        });
        let kind = |t: Trait| kinds.iter().find(|k| k.0 == t).map_or((0, false), |k| (k.1, k.2));
        let mut between = |low: f64, high: f64| s.range(low, high) as f32;

        let colour_shift = config.colour_shift as f32;
        let hue = match kind(Trait::Colour) {
            (kind, true) => fish::hue(kind) + between(-0.014, 0.014),
            _ => fish::hue(2) + between(-0.5, 0.5) * colour_shift,
        };
        let skin = Skin {
            texture: kind(Trait::Texture).0,
            hue,
            saturation: between(0.60, 0.95),
            value: between(0.60, 1.0),
            dark_marks: between(0.0, 1.0) < 0.5,
            phase: between(0.0, 1.0),
            spacing: between(0.85, 1.15),
        };
        let tilt = between(-1.0, 1.0) * (config.tilt as f32).to_radians();
        let bend = between(-1.0, 1.0) * (config.tilt as f32 / 20.0).min(1.5);
        let fish = Fish::new(kind(Trait::Shape).0, bend, between(0.90, 1.10), skin);
        let size = match kind(Trait::Scale) {
            (kind, true) => [0.55, 0.78, 1.10][kind.min(2)] * between(0.94, 1.06),
            _ => {
                let free = between(0.0, 1.0);
                1.0 + (0.6 + 0.55 * free - 1.0) * config.scale as f32
            }
        };
        let reach = config.position as f32 * 0.25;
        let x = 0.5 + between(-1.0, 1.0) * reach;
        let y = match kind(Trait::Position) {
            (kind, true) => [0.76, 0.50, 0.24][kind.min(2)] + between(-0.06, 0.06),
            _ => 0.5 + between(-1.0, 1.0) * reach,
        };
        let mirror = kind(Trait::Handedness).0 == 0;

        let mut s = lots("generated-water");
        let lattice = Lattice::draw(&mut s);
        let mut between = |low: f64, high: f64| s.range(low, high) as f32;
        // The open sea always, the others in proportion.
        let pick = between(0.0, 1.0);
        let others = (PALETTES.len() - 1) as f32;
        let share = colour_shift * others / PALETTES.len() as f32;
        let palette = if pick < share { 1 + (pick / share * others) as usize } else { 0 };
        let [hue, half, low, high, ground_hue, ground_saturation] = PALETTES[palette.min(PALETTES.len() - 1)];
        let hue = hue + half * between(-1.0, 1.0);
        let saturation = between(low.into(), high.into());
        let depth = between(0.30, 0.95);
        let water = [
            hsv(hue - 0.02, saturation * 0.75, (0.55 + 0.45 * depth).min(1.0)),
            hsv(hue + 0.03, saturation, 0.18 + 0.45 * depth),
        ];
        let ground = hsv(
            ground_hue + between(-0.03, 0.03),
            ground_saturation * between(0.5, 1.2),
            (0.30 + 0.55 * depth) * between(0.8, 1.1),
        );
        // One picture in three has no ground in sight.
        let horizon = between(0.58, 1.2);
        let rays = between(0.0, 0.30);

        let mut s = lots("generated-things");
        let crowd = config.clutter * s.range(2.0, 9.0);
        let behind = (0..9).map(|_| thing(&mut s, horizon)).take((crowd + 0.5) as usize).collect();
        let mut s = lots("generated-foreground");
        let before: Vec<SceneObject> = (0..2)
            .map(|_| (s.coin(config.clutter * 0.4), weed(std::array::from_fn(|_| s.uniform() as f32), 1.05)))
            .filter_map(|(there, weed)| there.then_some(weed))
            .collect();

        let mut s = lots("generated-light");
        let mut between = |low: f64, high: f64| s.range(low, high) as f32;
        let strength = config.light as f32;
        let (sin, cos) = between(0.0, std::f64::consts::TAU).sin_cos();
        let fall = between(0.0, 0.9) * strength;
        // Where colour carries the label its light is steadier, or no one could tell the hues apart.
        let tint = colour_shift * if kind(Trait::Colour).1 { 0.08 } else { 0.25 };
        Self {
            lattice,
            water,
            ground,
            horizon,
            rays,
            behind,
            before,
            length: fish.length * size,
            fish,
            place: [x, y],
            tilt: tilt.sin_cos().into(),
            light: [cos * fall, sin * fall],
            exposure: (between(-0.45, 0.35) * strength).exp(),
            contrast: 1.0 + between(-0.45, 0.25) * strength,
            tint: std::array::from_fn(|_| (between(-1.0, 1.0) * tint).exp()),
            haze: between(0.0, 0.45) * config.blur as f32,
            blur: between(0.0, 0.035) * config.blur as f32,
            noise: between(0.3, 1.0) * 0.12 * config.noise as f32,
            mirror,
            grain: lots("generated-grain"),
        }
    }

    /// The same scene, mirrored.
    #[cfg(test)]
    pub(super) fn turn(&mut self) {
        self.mirror = !self.mirror;
    }

    #[cfg(test)]
    pub(super) fn faces_left(&self) -> bool {
        self.mirror
    }

    /// Water, ground and light alike.
    #[cfg(test)]
    pub(super) fn same_surroundings(&self, other: &Self) -> bool {
        (self.water, self.ground, self.horizon, self.light, self.exposure, self.tint)
            == (other.water, other.ground, other.horizon, other.light, other.exposure, other.tint)
    }

    /// Paints it. The number of pixels changes nothing but the sharpness and the grain.
    pub(super) fn paint(&self, size: usize) -> RgbImage {
        let mut canvas = Canvas::new(size);
        let pixel = canvas.pixel();
        let lattice = &self.lattice;
        canvas.every(|x, y, _| {
            let cloud = lattice.cloud(x * 2.5, y * 2.5);
            let mut colour = mix(self.water[0], self.water[1], smoothstep(0.0, 1.0, y + 0.5 * (cloud - 0.5)));
            let ray = 1.0 - (2.0 * lattice.at(x * 4.0 + y * 1.3, 9.5) - 1.0).abs();
            colour = mix(colour, [0.92, 0.97, 0.95], ray * ray * self.rays * (1.0 - y));
            let bank = self.horizon + 0.10 * (lattice.at(x * 3.0, 3.3) - 0.5);
            let on_ground = smoothstep(-0.02, 0.02, y - bank);
            if on_ground > 0.0 {
                let gravel = 0.62 + 0.65 * lattice.cloud(x * 9.0, y * 15.0);
                let near = smoothstep(0.0, 0.5, y - bank);
                let sand = mix(mix(self.ground, self.water[1], 0.45), self.ground, near);
                colour = mix(colour, scaled(sand, gravel), on_ground);
            }
            scaled(colour, 0.88 + 0.24 * cloud)
        });
        for thing in &self.behind {
            thing.paint(&mut canvas, lattice);
        }
        let [cx, cy] = self.place;
        if self.horizon < 1.0 {
            let (wide, low) = (self.length * 0.9, self.horizon.max(cy + self.length * 0.35) + 0.05);
            canvas.over([cx - 2.0 * wide, low - 0.12, cx + 2.0 * wide, low + 0.12], |x, y| {
                let away = ((x - cx) / wide).powi(2) + ((y - low) / 0.045).powi(2);
                (away < 6.0).then(|| ([0.03, 0.04, 0.05], 0.5 * (-away).exp()))
            });
        }
        let reach = self.length * self.fish.reach;
        let edge = pixel / self.length;
        let [sin, cos] = self.tilt;
        canvas.over([cx - reach, cy - reach, cx + reach, cy + reach], |x, y| {
            let (dx, dy) = ((x - cx) / self.length, (y - cy) / self.length);
            let touch = self.fish.touch(cos * dx + sin * dy, cos * dy - sin * dx, edge, lattice)?;
            Some((mix(touch.colour, self.water[1], self.haze), touch.opacity))
        });
        for thing in &self.before {
            thing.paint(&mut canvas, lattice);
        }
        canvas.blur(self.blur);
        canvas.every(|x, y, colour| {
            let (dx, dy) = (x - 0.5, y - 0.5);
            let vignette = 1.0 - 0.35 * (dx * dx + dy * dy);
            let gain = self.exposure * vignette * (1.0 + self.light[0] * dx + self.light[1] * dy);
            std::array::from_fn(|c| (colour[c] * gain * self.tint[c] - 0.42) * self.contrast + 0.42)
        });
        canvas.develop(self.noise, &mut self.grain.clone(), self.mirror)
    }
}

/// Anything behind the animal. Each takes the same number of draws whatever it becomes.
fn thing(s: &mut Stream, horizon: f32) -> SceneObject {
    let kind = s.uniform();
    let lots: [f32; 7] = std::array::from_fn(|_| s.uniform() as f32);
    let [x, y, wide, high, hue, saturation, value] = lots;
    let ground = horizon.min(1.0);
    match kind {
        k if k < 0.35 => SceneObject::Stone {
            x,
            y: ground + 0.10 * (y - 0.3),
            width: 0.05 + 0.14 * wide,
            height: 0.04 + 0.11 * high,
            colour: hsv(hue, 0.30 * saturation, 0.20 + 0.45 * value),
        },
        k if k < 0.65 => weed(lots, ground + 0.12 * y),
        k if k < 0.82 => SceneObject::Coral {
            x,
            y: ground + 0.12 * y,
            height: 0.12 + 0.20 * high,
            spread: 0.3 + 0.9 * wide,
            colour: hsv(hue, 0.30 + 0.50 * saturation, 0.40 + 0.50 * value),
        },
        _ => SceneObject::Bubble { x, y, radius: 0.010 + 0.028 * wide },
    }
}

fn weed([x, sway, wide, high, hue, saturation, value]: [f32; 7], root: f32) -> SceneObject {
    SceneObject::Weed {
        x,
        root,
        top: root - (0.30 + 0.55 * high),
        width: 0.010 + 0.020 * wide,
        sway: 0.12 * (sway - 0.5),
        phase: wide,
        colour: hsv(0.15 + 0.30 * hue, 0.30 + 0.50 * saturation, 0.18 + 0.37 * value),
    }
}

impl SceneObject {
    fn paint(&self, canvas: &mut Canvas, lattice: &Lattice) {
        let pixel = canvas.pixel();
        let cover = |distance: f32| (0.5 - distance / pixel).clamp(0.0, 1.0);
        match *self {
            Self::Stone { x: cx, y: cy, width, height, colour } => {
                let bounds = [cx - 1.4 * width, cy - 1.4 * height, cx + 1.4 * width, cy + 1.4 * height];
                canvas.over(bounds, |x, y| {
                    let (dx, dy) = ((x - cx) / width, (y - cy) / height);
                    let rough = 0.5 * (lattice.at(x * 11.0, y * 11.0) - 0.5);
                    let away = (dx * dx + dy * dy).sqrt() - 1.0 + rough;
                    let shade = 0.75 - 0.35 * dy + 0.5 * (lattice.cloud(x * 14.0, y * 14.0) - 0.5);
                    Some((scaled(colour, shade), cover(away * width.min(height))))
                });
            }
            Self::Weed { x: cx, root, top, width, sway, phase, colour } => {
                canvas.over([cx - 0.16, top, cx + 0.16, root], |x, y| {
                    let turn = phase * std::f32::consts::TAU;
                    // Three blades of unlike height out of one root.
                    let (mut side, mut shade) = (f32::MAX, 0.0);
                    for (blade, tall) in [(-1.0f32, 0.72), (0.0, 1.0), (1.0, 0.55)] {
                        let up = (root - y) / ((root - top) * tall);
                        if !(0.0..=1.0).contains(&up) {
                            continue;
                        }
                        let lean = blade * width * 2.2 * up;
                        let stem = cx + lean + sway * up * (up * 4.0 + turn + blade).sin();
                        let half = width * (1.0 - up) * (0.35 + up) * 1.6;
                        let here = (x - stem).abs() - half;
                        if here < side {
                            side = here;
                            shade = 0.65
                                + 0.5 * up
                                + 0.3 * ((x - stem) / width).clamp(-1.0, 1.0) * blade.mul_add(0.3, 0.5);
                        }
                    }
                    (side < 1.0).then(|| (scaled(colour, shade), cover(side)))
                });
            }
            Self::Bubble { x: cx, y: cy, radius } => {
                let out = radius + pixel;
                canvas.over([cx - out, cy - out, cx + out, cy + out], |x, y| {
                    let (dx, dy) = ((x - cx) / radius, (y - cy) / radius);
                    let away = (dx * dx + dy * dy).sqrt();
                    let rim = smoothstep(0.55, 1.0, away) * 0.55;
                    let glint = if dx * dx + (dy + 0.45).powi(2) < 0.06 { 0.9 } else { 0.12 };
                    Some(([0.93, 0.97, 1.0], cover((away - 1.0) * radius) * rim.max(glint)))
                });
            }
            Self::Coral { x: cx, y: base, height, spread, colour } => {
                canvas.over([cx - height, base - height, cx + height, base + 0.02], |x, y| {
                    let (dx, dy) = ((x - cx) / height, ((base - y) / height).max(0.02));
                    // A fan of ribs out of one foot, with a fringed rim.
                    let slant = dx / (dy + 0.12) / spread;
                    let rib = (slant * 9.0 + 4.0 * lattice.at(x * 7.0, y * 7.0)).sin();
                    let away = (dx * dx + dy * dy).sqrt();
                    let rim = (away - 0.86 - 0.10 * rib) * height;
                    let side = (slant.abs() - 1.0) * height * 0.4;
                    let shade = 0.55 + 0.45 * away + 0.22 * rib;
                    Some((scaled(colour, shade), cover(rim.max(side))))
                });
            }
        }
    }
}
