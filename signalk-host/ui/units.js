// Signal K values are in SI units; people at sea read knots, degrees and metres.

const RADIANS = 180 / Math.PI

const CONVERSIONS = {
  'm/s': { unit: 'kn', of: (v) => v * 1.943844, digits: 1 },
  rad: { unit: '°', of: (v) => v * RADIANS, digits: 0 },
  'rad/s': { unit: '°/min', of: (v) => v * RADIANS * 60, digits: 1 },
  K: { unit: '°C', of: (v) => v - 273.15, digits: 1 },
  Pa: { unit: 'hPa', of: (v) => v / 100, digits: 0 },
  ratio: { unit: '%', of: (v) => v * 100, digits: 0 },
  m: { unit: 'm', of: (v) => v, digits: 1 },
  V: { unit: 'V', of: (v) => v, digits: 2 },
  A: { unit: 'A', of: (v) => v, digits: 1 },
  Hz: { unit: 'rpm', of: (v) => v * 60, digits: 0 },
  s: { unit: 's', of: (v) => v, digits: 0 },
}

/** Number and unit as a person reads them: {text, unit}. */
export function shown(value, unit, digits) {
  if (typeof value !== 'number') return { text: '–', unit: CONVERSIONS[unit]?.unit ?? unit ?? '' }
  const conversion = CONVERSIONS[unit]
  const number = conversion ? conversion.of(value) : value
  const places = digits ?? conversion?.digits ?? (Number.isInteger(number) ? 0 : 2)
  return { text: number.toFixed(places), unit: conversion?.unit ?? unit ?? '' }
}

export const degrees = (radians) => radians * RADIANS

/** 0 to 359, three digits: a bearing. */
export function bearing(radians) {
  if (typeof radians !== 'number') return '–'
  const whole = Math.round(degrees(radians)) % 360
  return String((whole + 360) % 360).padStart(3, '0')
}

export const nauticalMiles = (metres) => metres / 1852

/** 60°09.123′ N */
export function latitude(value) { return angle(value, 'N', 'S', 2) }
export function longitude(value) { return angle(value, 'E', 'W', 3) }

function angle(value, positive, negative, width) {
  if (typeof value !== 'number') return '–'
  const size = Math.abs(value)
  const thousandths = Math.round(size * 60000)
  const whole = String(Math.floor(thousandths / 60000)).padStart(width, '0')
  const minutes = ((thousandths % 60000) / 1000).toFixed(3).padStart(6, '0')
  return `${whole}°${minutes}′ ${value < 0 ? negative : positive}`
}

/** 12 s, 3 min, 2 h: how long ago. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 100) return `${seconds} s`
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}

export function bytes(count) {
  if (typeof count !== 'number') return '–'
  if (count < 1024) return `${count} B`
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(0)} KiB`
  return `${(count / 1024 / 1024).toFixed(1)} MiB`
}

/** 1 234, 56.7 k, 8.9 M, 1.2 G */
export function short(count) {
  if (typeof count !== 'number') return '–'
  for (const [size, letter] of [[1e9, ' G'], [1e6, ' M'], [1e4, ' k']]) {
    if (count >= size) return (count / (size === 1e4 ? 1e3 : size)).toFixed(1) + letter
  }
  return String(Math.round(count))
}
